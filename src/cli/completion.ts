import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** One command with what may follow it. */
interface Entry {
  /** `rowcast offsets reset` is `offsets reset`; empty for rowcast itself. */
  readonly path: string;
  readonly doc: string;
  readonly words: readonly { readonly word: string; readonly doc: string }[];
}

/** A script that completes the commands and options of this program in a shell; files are completed by the shell itself. */
export function completionFor(shell: Shell, program: Command): string {
  const entries = entriesOf(program, []);
  switch (shell) {
    case 'bash':
      return bash(entries);
    case 'zsh':
      // zsh reads bash's form: one script to get right.
      return `#compdef rowcast\nautoload -U +X bashcompinit && bashcompinit\n${bash(entries)}`;
    case 'fish':
      return fish(entries);
    default:
      return shell satisfies never;
  }
}

function entriesOf(of: Command, path: readonly string[]): readonly Entry[] {
  const help = of.createHelp();
  const commands = help.visibleCommands(of).filter((each) => each.name() !== 'help');
  const options = help.visibleOptions(of);
  const words = [
    ...commands.map((each) => ({ word: each.name(), doc: firstSentence(each.description()) })),
    ...options.flatMap(({ long, description }) =>
      long === undefined || long === null ? [] : [{ word: long, doc: firstSentence(description) }],
    ),
  ];
  const own = { path: path.join(' '), doc: firstSentence(of.description()), words };
  return [own, ...commands.flatMap((each) => entriesOf(each, [...path, each.name()]))];
}

function bash(entries: readonly Entry[]): string {
  const cases = entries.map(
    ({ path, words }) => `    '${path}') words='${words.map(({ word }) => word).join(' ')}' ;;`,
  );
  const paths = entries.map(({ path }) => `'${path}'`).join('|');
  return `_rowcast() {
  local path='' next word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    case "$next" in ${paths}) path=$next ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _rowcast rowcast
`;
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, words }) => {
    const condition = path === '' ? '__fish_use_subcommand' : seen(path.split(' '));
    return words.map(({ word, doc }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      return `complete -c rowcast -n '${condition}' ${what} -d '${doc.replaceAll("'", "\\'")}'`;
    });
  });
  return `${lines.join('\n')}\n`;
}

function seen(words: readonly string[]): string {
  return words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
}

function firstSentence(text: string): string {
  return text.split(/[.:;](?:\s|$)/)[0] ?? '';
}
