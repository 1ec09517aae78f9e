import type { Command } from 'commander';
import { VERSION } from '../version.ts';
import { type CommandContext, command } from './command.ts';

/** `rowcast version` */
export function versionCommand({ exit }: CommandContext): Command {
  return command('version', 'Print the version, and what it runs on: for reports of bugs.')
    .option('--json', 'write JSON')
    .action(({ json }: { readonly json?: boolean }) => {
      const { version: node, platform, arch } = process;
      const text = json
        ? JSON.stringify({ rowcast: VERSION, node, platform, arch })
        : `${VERSION} (Node ${node}, ${platform} ${arch})`;
      process.stdout.write(`${text}\n`);
      exit(0);
    });
}
