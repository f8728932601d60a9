# The same wire in another language: reads one request, answers it.
import json
import sys

request = json.loads(sys.stdin.readline())
params = request["params"]
result = {
    "id": params["id"],
    "status": "success",
    "output": {"said": params["input"]["say"].upper()},
    "metadata": {"cost": 0, "duration": 1, "model": "python", "confidence": 1},
}
print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}))
