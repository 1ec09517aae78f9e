import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const documents = [
  ...readdirSync(root),
  ...['docs', 'deploy'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  ),
].filter((path) => path.endsWith('.md'));

/** A document without its code, where brackets are no links and `#` begins no heading. */
function prose(path: string): string {
  return readFileSync(join(root, path), 'utf8').replaceAll(/```.*?```/gs, '');
}

/** The anchors that headings have where Markdown is shown. */
function anchors(path: string): string[] {
  return [...prose(path).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] as string)
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

test('every link between the documents leads somewhere', () => {
  const wrong: string[] = [];
  for (const document of documents) {
    for (const [, target = ''] of prose(document).matchAll(/\]\(((?!https?:)[^)\s]+)\)/g)) {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? document : normalize(join(dirname(document), path));
      if (!existsSync(join(root, file))) wrong.push(`${document}: ${target}`);
      else if (anchor !== undefined && !anchors(file).includes(anchor)) wrong.push(`${document}: ${target}`);
    }
  }
  expect(documents.length).toBeGreaterThan(15);
  expect(wrong).toEqual([]);
});
