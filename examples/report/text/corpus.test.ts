// Hunts the lie that a file was read which was not, and that a path stays inside when it leads out.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listDocuments, readCorpusFile, NotText, PathRefused } from './corpus.ts';
import { readDocument } from './document.ts';
import { sha256 } from './identity.ts';

let home: string;
let folder: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'corpus-'));
  folder = join(home, 'docs');
  mkdirSync(folder);
});

afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

function write(path: string, content: string | Uint8Array = path): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function listed(options?: Parameters<typeof listDocuments>[1]): string[] {
  return listDocuments(folder, options).documents.map(({ path }) => path);
}

test('documents are found in all folders, in one order, with their identity', () => {
  for (const path of ['b.md', 'a/z.txt', 'a/B.md', 'a.md', 'Ä.md', 'a/b/c.MD', 'x.markdown']) write(path);
  expect(listed()).toEqual(['a.md', 'a/B.md', 'a/b/c.MD', 'a/z.txt', 'b.md', 'x.markdown', 'Ä.md']);
  expect(listDocuments(folder).documents[0]).toEqual({ path: 'a.md', sha256: sha256('a.md'), bytes: 4 });
});

test('what is never a document is left out', () => {
  for (const path of ['a.md', 'a.ts', 'md', '.b.md', '.git/c.md', 'node_modules/d/e.md', 'x/dist/f.md'])
    write(path);
  expect(listDocuments(folder)).toMatchObject({ documents: [{ path: 'a.md' }], skipped: [] });
});

test('what looks like a document and was not taken is named, with the reason', () => {
  write('a.md', 'x'.repeat(10));
  write('b.md', 'x'.repeat(11));
  write('c.md', new Uint8Array([0x61, 0xff]));
  write('d.md');
  write('e.md');
  symlinkSync(join(folder, 'a.md'), join(folder, 'f.md'));
  symlinkSync(folder, join(folder, 'g.md'));
  const { documents, skipped } = listDocuments(folder, { maxBytes: 10, maxDocuments: 2 });
  expect(documents.map(({ path }) => path)).toEqual(['a.md', 'd.md']);
  expect(skipped).toEqual([
    { path: 'b.md', reason: '11 bytes, more than 10' },
    { path: 'c.md', reason: 'not valid UTF-8' },
    { path: 'e.md', reason: 'beyond 2 documents' },
    { path: 'f.md', reason: 'a symbolic link' },
    { path: 'g.md', reason: 'a symbolic link' },
  ]);
});

test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('what cannot be read is named', () => {
  write('a/b.md');
  write('c.md');
  chmodSync(join(folder, 'a'), 0o000);
  chmodSync(join(folder, 'c.md'), 0o000);
  const { skipped } = listDocuments(folder);
  chmodSync(join(folder, 'a'), 0o700);
  expect(skipped).toEqual([
    { path: 'a', reason: 'unreadable: EACCES' },
    { path: 'c.md', reason: 'unreadable: EACCES' },
  ]);
});

test('an empty folder has no documents; a folder that is not there is an error', () => {
  expect(listDocuments(folder)).toEqual({ documents: [], skipped: [] });
  expect(() => listDocuments(join(folder, 'none'))).toThrow('ENOENT');
});

test('a file is read to the letter, and its text has its identity', () => {
  const text = '\uFEFF# Ä\r\n\u{1F600}\0';
  write('a.md', text);
  const file = readCorpusFile(folder, 'a.md');
  expect(file).toEqual({ path: 'a.md', text, sha256: sha256(text), bytes: Buffer.byteLength(text) });
  expect(readDocument(file).sha256).toBe(listDocuments(folder).documents[0]?.sha256);
});

test('a file that is not text is refused', () => {
  write('a.md', new Uint8Array([0xc3, 0x28]));
  expect(() => readCorpusFile(folder, 'a.md')).toThrow(NotText);
});

describe('a path that leads out is refused', () => {
  beforeEach(() => {
    write('a.md');
    write('b/c.md');
    writeFileSync(join(home, 'secret.md'), 'secret');
    mkdirSync(join(home, 'docs-2'));
    writeFileSync(join(home, 'docs-2', 'a.md'), 'secret');
    symlinkSync(home, join(folder, 'link'));
    symlinkSync(join(home, 'secret.md'), join(folder, 'link.md'));
  });

  test.each([
    '../secret.md',
    'b/../../secret.md',
    'b/../a.md',
    '../docs-2/a.md',
    '..',
    '.',
    './a.md',
    '',
    '/',
    '/etc/passwd',
    '//a.md',
    'b//c.md',
    'a.md/',
    '..\\secret.md',
    'b\\c.md',
    'a.md\0.txt',
    'link/secret.md',
    'link.md',
  ])('%j', (path) => {
    expect(() => readCorpusFile(folder, path)).toThrow(PathRefused);
  });

  test('whatever the path, it is refused, or not there, or inside', () => {
    const parts = fc.constantFrom(
      '..',
      '.',
      '',
      'a.md',
      'b',
      'c.md',
      'link',
      'secret.md',
      'docs',
      '~',
      '%2e%2e',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 6 }), (list) => {
        try {
          expect(readCorpusFile(folder, list.join('/')).text).not.toBe('secret');
        } catch (error) {
          if (error instanceof PathRefused) return;
          expect(String(error)).toMatch(/ENOENT|ENOTDIR|EISDIR/);
        }
      }),
    );
  });

  test('a folder that is itself behind a link is a folder like any other', () => {
    expect(readCorpusFile(join(folder, 'link', 'docs'), 'a.md').text).toBe('a.md');
  });
});
