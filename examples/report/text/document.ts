/**
 * A document as the demo's agents read it: its title, its sections, and its sentences with their exact places.
 *
 * Offsets are UTF-16 code units into the text as given, so that `text.slice(start, end)` is the sentence as its
 * author wrote it, markup and line breaks included; that slice is what a citation quotes and the fact check
 * compares. `Sentence.text` is the same sentence as a person reads it. What is left out as not being prose is said
 * in `blocks.ts`. Time is linear in the length of the text.
 */
import { readBlocks, type Block, type Format, type Layout } from './blocks.ts';
import { sha256 } from './identity.ts';
import { readInline, readPlain, type Visible } from './inline.ts';
import { splitSentences } from './sentences.ts';
import { countWords } from './words.ts';

/** `section` is an index into the document's sections, or -1 for what stands before the first heading. */
export type Sentence = {
  index: number;
  text: string;
  start: number;
  end: number;
  section: number;
  kind: 'prose' | 'item';
};

export type Section = { index: number; title: string; level: number; start: number; end: number };

/** `chars` and `words` measure the whole text and the words of its sentences. */
export type SourceDocument = {
  path: string;
  sha256: string;
  title: string;
  chars: number;
  words: number;
  sections: Section[];
  sentences: Sentence[];
};

/** A document as read from disk. */
export type Source = { path: string; text: string };

export function readDocument({ path, text }: Source): SourceDocument {
  const format: Format = /\.(?:txt|text)$/i.test(path) ? 'plain' : 'markdown';
  const layout = readBlocks(text, format);
  const sections: Section[] = [];
  const sentences: Sentence[] = [];
  for (const block of layout.blocks) {
    const read = readBlock(text, block, layout, format);
    if (block.kind === 'heading') addSection(sections, block, read.visible.text, text.length);
    else addSentences(sentences, block.kind, read, sections.length - 1);
  }
  return {
    path,
    sha256: sha256(text),
    title: layout.frontMatterTitle ?? titleOf(sections, sentences, path),
    chars: text.length,
    words: sentences.reduce((sum, sentence) => sum + countWords(sentence.text), 0),
    sections,
    sentences,
  };
}

type BlockText = { visible: Visible; toSource: (at: number) => number };

/** The words of a block as one text, and the way back from its offsets to those of the document. */
function readBlock(text: string, block: Block, layout: Layout, format: Format): BlockText {
  const starts: number[] = [];
  let length = 0;
  for (const span of block.lines) {
    starts.push(length);
    length += span.end - span.start + 1;
  }
  const joined = block.lines.map((span) => text.slice(span.start, span.end)).join('\n');
  const visible = format === 'plain' ? readPlain(joined) : readInline(joined, layout.labels);
  return { visible, toSource };

  function toSource(at: number): number {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return block.lines[low]!.start + at - starts[low]!;
  }
}

function addSection(sections: Section[], block: Block, heading: string, end: number): void {
  const title = heading.replaceAll('`', '').trim();
  if (title === '') return;
  const last = sections.at(-1);
  if (last) last.end = block.start;
  sections.push({ index: sections.length, title, level: block.level, start: block.start, end });
}

function addSentences(
  sentences: Sentence[],
  kind: Sentence['kind'],
  { visible, toSource }: BlockText,
  section: number,
): void {
  for (const span of splitSentences(visible.text, visible.opaque)) {
    const text = visible.text.slice(span.start, span.end);
    // A stray mark between two paragraphs is no sentence.
    if (!/[\p{L}\p{N}]/u.test(text)) continue;
    const start = toSource(visible.from[span.start]!);
    const end = toSource(visible.to[span.end - 1]! - 1) + 1;
    sentences.push({ index: sentences.length, text, start, end, section, kind });
  }
}

/**
 * The first top heading; or the first heading, if the document begins with it; or the file's name. A README whose
 * name is a picture has prose first, and its first heading ("Getting started") is not its title.
 */
function titleOf(sections: readonly Section[], sentences: readonly Sentence[], path: string): string {
  const first = sentences[0]?.section === -1 ? undefined : sections[0];
  const heading = sections.find((section) => section.level === 1) ?? first;
  return heading?.title ?? path.slice(path.lastIndexOf('/') + 1);
}
