// Builds the page into the folder `ui` of the one that is given (dist): browsers get files as they are, so nothing is bundled.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const require = createRequire(import.meta.url);
const here = import.meta.dirname;
const out = join(resolve(process.argv[2] ?? 'dist'), 'ui');
rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, 'vendor'), { recursive: true });
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
execFileSync(process.execPath, [tsc, '-p', here, '--outDir', out], { stdio: 'inherit' });
for (const name of ['index.html', 'style.css', 'icon.svg']) cpSync(join(here, name), join(out, name));
const uplot = dirname(require.resolve('uplot/dist/uPlot.esm.js'));
cpSync(join(uplot, 'uPlot.esm.js'), join(out, 'vendor', 'uplot.js'));
cpSync(join(uplot, 'uPlot.min.css'), join(out, 'vendor', 'uplot.css'));
