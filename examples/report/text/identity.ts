/**
 * The identity of a text: its SHA-256 (FIPS 180-4), as 64 lower-case hex digits, over the text's UTF-8 bytes.
 *
 * For a file that is valid UTF-8 this equals the hash of its bytes (`sha256sum`), so a reader can check a
 * citation without this program. `corpus.ts` refuses files that are not valid UTF-8 to keep that true.
 */
import { createHash } from 'node:crypto';

export function sha256(content: string | Uint8Array): string {
  const hash = createHash('sha256');
  return (typeof content === 'string' ? hash.update(content, 'utf8') : hash.update(content)).digest('hex');
}
