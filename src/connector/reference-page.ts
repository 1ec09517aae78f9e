import type { AnyDeclaration } from './connector-class.ts';
import { EFFECT_WORDS } from './effects.ts';
import { settingsOf } from './read-settings.ts';
import type { Effect, Setting } from './setting.ts';

/** What a page says besides what follows from the declaration. */
export interface PageText {
  /** Paragraphs below the title. */
  readonly introduction: readonly string[];
}

/** The reference page of a declaration, in Markdown. */
export function referencePage(declaration: AnyDeclaration, { introduction }: PageText): string {
  const settings = settingsOf(declaration).map(([, setting]) => setting);
  const parts = [
    `# ${declaration.name}`,
    '*Made by npm run docs from the declaration of the settings: not to be edited.*',
    declaration.doc,
    ...introduction,
    ...aliasParts(declaration),
    '## Settings',
    effects(settings),
    ...[...new Set(settings.map(({ group }) => group))].flatMap((group) => [
      `### ${group}`,
      table(
        ['Key', 'Type', 'Default', 'Importance', 'Change', 'Meaning'],
        settings.filter((setting) => setting.group === group).map(row),
      ),
    ]),
    ...keyTables(declaration),
  ];
  return `${parts.join('\n\n')}\n`;
}

function row(setting: Setting<unknown>): readonly string[] {
  const { key, type, importance = 'medium', effect = 'restart', doc } = setting;
  return [code(key), type, defaultOf(setting), importance, effect, `${doc}${values(setting)}`];
}

/** The default in a page: code, or a word. */
function defaultOf(setting: Setting<unknown>): string {
  if (setting.required) return 'required';
  if (setting.default === undefined || setting.default === '' || setting.key.endsWith('*')) return '';
  return code(setting.default);
}

function values({ choices, range }: Setting<unknown>): string {
  if (choices && choices.length > 1)
    return ` One of ${choices.map((each) => (each === '' ? 'empty' : code(each))).join(', ')}.`;
  return range ? ` From ${range[0]} to ${range[1]}.` : '';
}

function effects(settings: readonly Setting<unknown>[]): string {
  const used = new Set(settings.map(({ effect = 'restart' }) => effect));
  const lines = (Object.keys(EFFECT_WORDS) as Effect[]).filter((each) => used.has(each));
  return `${lines.map((each) => `- **${each}**: ${EFFECT_WORDS[each]}`).join('\n')}`;
}

function aliasParts({ aliases }: AnyDeclaration): readonly string[] {
  return Object.entries(aliases).map(([alias, defaults]) => {
    const list = Object.entries(defaults).map(([key, value]) => `- ${code(key)}: ${code(value)}`);
    return `Under the class name ${code(alias)} these defaults are the ones of that class:\n\n${list.join('\n')}`;
  });
}

function keyTables({ renamed, ignored, unsupported, harmless }: AnyDeclaration): readonly string[] {
  const reasons = (keys: Readonly<Record<string, string>>): readonly (readonly string[])[] =>
    Object.entries(keys).map(([key, reason]) => [code(key), reason]);
  const others = Object.entries(renamed).map(([old, key]) => [code(old), code(key)]);
  const fine = Object.entries(harmless).map(([key, all]) => [
    code(key),
    all.map((each) => (each === '' ? 'empty' : code(each))).join(', '),
  ]);
  return [
    ...section('Other names', 'Given under both names they must say the same.', ['Key', 'is'], others),
    ...section(
      'Keys without effect',
      'Known from other products; a file may keep them, and a warning says so.',
      ['Key', 'Why'],
      reasons(ignored),
    ),
    ...section(
      'Keys that are refused',
      'Their effect would be missed, so a file that has one is not valid.',
      ['Key', 'Why'],
      reasons(unsupported),
    ),
    ...section('Values that may stay', 'They say what is the case anyway.', ['Key', 'Value'], fine),
  ];
}

function section(
  title: string,
  text: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  return rows.length === 0 ? [] : [`## ${title}`, text, table(head, rows)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
