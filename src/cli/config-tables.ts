import { settingsOf } from '../connector/read-settings.ts';
import type { EffectiveSetting } from '../connector/effective.ts';
import { EFFECT_WORDS } from '../connector/effects.ts';
import type { Setting } from '../connector/setting.ts';
import type { Subject } from './reference.ts';

const WIDTH = 100;
/** Longer keys push the rest of their line to the right. */
const KEY_WIDTH = 44;

/** Every setting of a subject by its group, for a terminal. */
export function settingsTable({ declaration, alias }: Subject): string {
  const settings = settingsOf(declaration).map(([, setting]) => setting);
  const defaults = declaration.aliases[alias ?? ''] ?? {};
  const groups = [...new Set(settings.map(({ group }) => group))];
  const keyWidth = widest(settings);
  const lines = [declaration.name, ...wrapped(declaration.doc, '')];
  for (const other of Object.keys(declaration.aliases)) lines.push(`Also ${other}, with its own defaults.`);
  for (const group of groups) {
    lines.push('', group.toUpperCase());
    for (const setting of settings.filter((each) => each.group === group)) {
      lines.push(settingLine(setting, defaults[setting.key], keyWidth), ...wrapped(setting.doc, '      '));
      if (setting.choices && setting.choices.length > 1) lines.push(`      one of: ${setting.choices.join(', ')}`);
    }
  }
  const used = new Set(settings.map(({ effect = 'restart' }) => effect));
  lines.push('');
  for (const effect of used) lines.push(`  ${effect.padEnd(10)}  ${EFFECT_WORDS[effect]}`);
  return `${lines.join('\n')}\n`;
}

function settingLine(setting: Setting<unknown>, aliasDefault: string | undefined, keyWidth: number): string {
  const { key, type, importance = 'medium', effect = 'restart', required } = setting;
  const value = key.endsWith('*') ? '' : (aliasDefault ?? setting.default ?? '');
  const shown = required ? 'required' : value === '' ? 'not set' : `= ${value}`;
  return `  ${key.padEnd(keyWidth)}  ${type.padEnd(8)}  ${importance.padEnd(6)}  ${effect.padEnd(10)}  ${shown}`;
}

/** The effective configuration of a file: what is given, then what is not. */
export function effectiveTable(
  file: string,
  explained: {
    readonly name: string;
    readonly class: string;
    readonly settings: readonly EffectiveSetting[];
    readonly warnings: readonly string[];
    readonly problems: readonly string[];
  },
  places: ReadonlyMap<string, string>,
): string {
  const { settings, warnings, problems } = explained;
  const title = [explained.name, explained.class].filter((each, i, all) => each !== '' && all.indexOf(each) === i);
  const lines = [`${file}: ${title.join(', ')}`, ''];
  const keyWidth = widest(settings);
  const valueWidth = Math.min(48, Math.max(0, ...settings.map(({ value = '' }) => value.length)));
  for (const { key, value, origin, givenAs } of settings) {
    const place = givenAs === undefined ? (places.get(key) ?? 'file') : `${places.get(key) ?? 'file'}, as ${givenAs}`;
    const from = { given: place, alias: `default of ${explained.class}`, default: 'default', absent: 'not set' }[
      origin
    ];
    lines.push(`${key.padEnd(keyWidth)}  ${(value ?? '').padEnd(valueWidth)}  ${from}`);
  }
  for (const warning of warnings) lines.push('', ...wrapped(`warning: ${warning}`, ''));
  lines.push(
    '',
    problems.length === 0 ? 'The file is valid.' : `The file is not valid: ${problems.length} to correct.`,
  );
  return `${lines.join('\n')}\n`;
}

function widest(settings: readonly { readonly key: string }[]): number {
  return Math.min(KEY_WIDTH, Math.max(0, ...settings.map(({ key }) => key.length)));
}

/** Words in lines of at most `WIDTH` characters. */
function wrapped(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + word.length > WIDTH && line !== indent) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
