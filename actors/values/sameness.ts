/** Whether two plain values say the same, in whatever order their fields were written. */
export function isSame(some: unknown, other: unknown): boolean {
  if (some === other) return true;
  if (typeof some !== 'object' || typeof other !== 'object' || some === null || other === null) return false;
  if (Array.isArray(some) !== Array.isArray(other)) return false;
  const [fields, others] = [Object.entries(some), new Map<string, unknown>(Object.entries(other))];
  return (
    fields.length === others.size &&
    fields.every(([key, value]) => others.has(key) && isSame(value, others.get(key)))
  );
}
