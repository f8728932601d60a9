/**
 * Sources, as agents tell of them in the metadata of a result: `sources: [{ uri, content, at }]`. What is wrong with one breaks the
 * contract, as everything that an agent says of itself: a source of which nobody knows what it held proves nothing.
 *
 * Contents do not stay in the metadata. Their hashes do, and the contents are handed on to whoever keeps them.
 */
import type { Json } from '../../machines/values/canonical.ts';
import type { Source } from '../../machines/contract.ts';
import type { ValueProblem } from '../../machines/faults/fault.ts';
import { hashOf } from '../schema/digest.ts';
import { isRecord, plainCopyOf } from '../schema/plain.ts';

export interface SourcesReading {
  /** Undefined: nothing was said of any. */
  readonly sources?: readonly Source[];
  /** What was found in them, as far as it was handed over. */
  readonly contents: readonly Json[];
  /** Pointers from the sources on. */
  readonly problems: readonly ValueProblem[];
}

const HASH = /^sha256:[0-9a-f]{64}$/;
const TEXTS = ['uri', 'version', 'class', 'licence', 'region'] as const;
const FIELDS: readonly string[] = [...TEXTS, 'hash', 'at', 'content'];

/** More than these nobody has looked at for one answer. */
const MOST = 1000;

export const isHash = (value: unknown): value is string => typeof value === 'string' && HASH.test(value);

/** @param given `metadata.sources`, as the agent has said it */
export function sourcesIn(given: unknown): SourcesReading {
  if (given === undefined) return { contents: [], problems: [] };
  if (!Array.isArray(given) || given.length > MOST) {
    const detail = `must be a list of at most ${MOST} sources`;
    return { contents: [], problems: [problemAt('', 'type', detail)] };
  }
  const readings = given.map((source: unknown, index) => sourceIn(source, `/${index}`));
  const problems = readings.flatMap((reading) => reading.problems);
  if (problems.length > 0) return { contents: [], problems };
  return {
    sources: Object.freeze(readings.map(({ source }) => source!)),
    contents: readings.flatMap(({ content }) => (content === undefined ? [] : [content])),
    problems,
  };
}

interface SourceReading {
  readonly source?: Source;
  readonly content?: Json;
  readonly problems: readonly ValueProblem[];
}

function sourceIn(given: unknown, place: string): SourceReading {
  const plain = plainCopyOf(given);
  if (!plain.ok)
    return {
      problems: plain.problems.map((one) => ({ ...one, pointer: `#${place}${one.pointer.slice(1)}` })),
    };
  if (!isRecord(plain.value)) return { problems: [problemAt(place, 'type', 'must be an object')] };
  const { content, ...rest } = plain.value;
  const problems = problemsOf(rest, place);
  const hash = content === undefined ? rest['hash'] : hashOf(content);
  if (!isHash(hash))
    problems.push(problemAt(`${place}/hash`, 'pattern', 'must be sha256:… in hex, or its content be there'));
  else if (rest['hash'] !== undefined && rest['hash'] !== hash)
    problems.push(problemAt(`${place}/hash`, 'const', 'is not the hash of its content'));
  if (problems.length > 0) return { problems };
  return {
    source: Object.freeze({ ...rest, hash } as Source),
    ...(content !== undefined && { content: content as Json }),
    problems,
  };
}

function problemsOf(source: Readonly<Record<string, unknown>>, place: string): ValueProblem[] {
  const problems: ValueProblem[] = [];
  for (const name of TEXTS) {
    const value = source[name];
    if (value === undefined && name !== 'uri') continue;
    if (typeof value !== 'string' || value.trim() === '')
      problems.push(problemAt(`${place}/${name}`, 'type', 'must be a text that says something'));
  }
  if (!(Number.isSafeInteger(source['at']) && (source['at'] as number) >= 0))
    problems.push(
      problemAt(`${place}/at`, 'type', 'must be when it was looked at, in milliseconds since the epoch'),
    );
  for (const name of Object.keys(source))
    if (!FIELDS.includes(name))
      problems.push(
        problemAt(place, 'additionalProperties', `may have ${FIELDS.join(', ')}, and nothing else`),
      );
  return problems;
}

const problemAt = (place: string, keyword: string, detail: string): ValueProblem => ({
  ...{ pointer: `#${place}`, keyword, schemaPath: '#', detail },
});
