/**
 * The Porter stemmer: M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, pp. 130–137.
 *
 * Maps the forms of an English word to one stem ("connected", "connections" → "connect"). A stem is for matching
 * only; it is often not a word ("happy" → "happi") and is never shown to a person.
 *
 * Words of one or two letters stay as they are (as in Porter's own program). Anything but a–z, and words longer
 * than `LONGEST_WORD` letters, which are not English words, come back unchanged.
 */
const LONGEST_WORD = 40;

export function stem(word: string): string {
  if (word.length < 3 || word.length > LONGEST_WORD || !/^[a-z]+$/.test(word)) return word;
  return [plural, pastOrGerund, finalY, doubleSuffix, fullSuffix, bareSuffix, finalE].reduce(
    (w, step) => step(w),
    word,
  );
}

/** A consonant is a letter other than a, e, i, o, u, and other than y preceded by a consonant. */
function isConsonant(word: string, at: number): boolean {
  const letter = word.charAt(at);
  if (letter === 'y') return at === 0 || !isConsonant(word, at - 1);
  return !'aeiou'.includes(letter);
}

/** The paper's m: how many times a vowel run is followed by a consonant run, [C](VC)^m[V]. */
function measure(word: string): number {
  let m = 0;
  for (let i = 1; i < word.length; i++) if (isConsonant(word, i) && !isConsonant(word, i - 1)) m++;
  return m;
}

/** The paper's *v*. */
function hasVowel(word: string): boolean {
  for (let i = 0; i < word.length; i++) if (!isConsonant(word, i)) return true;
  return false;
}

/** The paper's *d. */
function endsInDoubleConsonant(word: string): boolean {
  const last = word.length - 1;
  return last > 0 && word[last] === word[last - 1] && isConsonant(word, last);
}

/** The paper's *o: ends consonant-vowel-consonant, the last one not w, x or y ("hop", not "snow"). */
function endsInShortSyllable(word: string): boolean {
  const last = word.length - 1;
  if (last < 2) return false;
  const shape = isConsonant(word, last - 2) && !isConsonant(word, last - 1) && isConsonant(word, last);
  return shape && !'wxy'.includes(word.charAt(last));
}

/** Step 1a. */
function plural(word: string): string {
  if (word.endsWith('sses') || word.endsWith('ies')) return word.slice(0, -2);
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

/** Step 1b. */
function pastOrGerund(word: string): string {
  if (word.endsWith('eed')) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const suffix = ['ed', 'ing'].find((s) => word.endsWith(s));
  if (suffix === undefined) return word;
  const rest = word.slice(0, -suffix.length);
  if (!hasVowel(rest)) return word;
  if (/(?:at|bl|iz)$/.test(rest)) return `${rest}e`;
  if (endsInDoubleConsonant(rest) && !/[lsz]$/.test(rest)) return rest.slice(0, -1);
  return measure(rest) === 1 && endsInShortSyllable(rest) ? `${rest}e` : rest;
}

/** Step 1c. */
function finalY(word: string): string {
  return word.endsWith('y') && hasVowel(word.slice(0, -1)) ? `${word.slice(0, -1)}i` : word;
}

type Rule = readonly [suffix: string, replacement: string];

const DOUBLE_SUFFIXES: readonly Rule[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['izer', 'ize'],
  ['abli', 'able'],
  ['alli', 'al'],
  ['entli', 'ent'],
  ['eli', 'e'],
  ['ousli', 'ous'],
  ['ization', 'ize'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['aliti', 'al'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
];

const FULL_SUFFIXES: readonly Rule[] = [
  ['icate', 'ic'],
  ['ative', ''],
  ['alize', 'al'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
];

const BARE_SUFFIXES: readonly Rule[] =
  'al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize'
    .split(' ')
    .map((suffix) => [suffix, ''] as const);

/** "The longest matching suffix": only that rule is tried, whether or not its condition then holds. */
function longestMatch(word: string, rules: readonly Rule[]): Rule | undefined {
  let best: Rule | undefined;
  for (const rule of rules) {
    if (word.endsWith(rule[0]) && rule[0].length > (best?.[0].length ?? 0)) best = rule;
  }
  return best;
}

function replaceSuffix(word: string, rules: readonly Rule[], measureAbove: number): string {
  const rule = longestMatch(word, rules);
  if (rule === undefined) return word;
  const rest = word.slice(0, -rule[0].length);
  if (rule[0] === 'ion' && !/[st]$/.test(rest)) return word;
  return measure(rest) > measureAbove ? rest + rule[1] : word;
}

/** Step 2. */
function doubleSuffix(word: string): string {
  return replaceSuffix(word, DOUBLE_SUFFIXES, 0);
}

/** Step 3. */
function fullSuffix(word: string): string {
  return replaceSuffix(word, FULL_SUFFIXES, 0);
}

/** Step 4. */
function bareSuffix(word: string): string {
  return replaceSuffix(word, BARE_SUFFIXES, 1);
}

/** Step 5. */
function finalE(word: string): string {
  let result = word;
  if (result.endsWith('e')) {
    const rest = result.slice(0, -1);
    const m = measure(rest);
    if (m > 1 || (m === 1 && !endsInShortSyllable(rest))) result = rest;
  }
  return result.endsWith('ll') && measure(result) > 1 ? result.slice(0, -1) : result;
}
