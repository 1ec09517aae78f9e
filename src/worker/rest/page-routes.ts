import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Context, Hono } from 'hono';
import { PROGRAM } from '../../program.ts';
import { errorAnswer, refusal } from './answer.ts';
import type { RestEnv } from './rest-env.ts';

/** What the build of `src/ui` makes. */
const FOLDER = join(PROGRAM, 'ui');
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};
/** Nothing but the page's own files: what a row or a config holds can never become code. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page for browsers at `/ui/`, where `/` leads who asks for HTML. */
export function pageRoutes(): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  routes.get('/', async (c, next) => {
    c.header('Vary', 'Accept');
    if (wantsHtml(c)) return c.redirect('ui/', 302);
    return await next();
  });
  // The page's paths are relative, so that it also works behind a proxy that gives it another place: the slash matters here.
  routes.get('/ui', async (c) =>
    new URL(c.req.url).pathname.endsWith('/') ? await file(c, 'index.html') : c.redirect('ui/', 301),
  );
  routes.get('/ui/:name', async (c) => await file(c, c.req.param('name')));
  routes.get('/ui/vendor/:name', async (c) => await file(c, `vendor/${c.req.param('name')}`));
  return routes;
}

/** Browsers name HTML; clients of an API name JSON, or everything. */
function wantsHtml(c: Context): boolean {
  return (c.req.header('accept') ?? '').includes('text/html');
}

async function file(c: Context, path: string): Promise<Response> {
  const type = TYPES[/\.([a-z]+)$/.exec(path)?.[1] ?? ''];
  // Names with dots alone, slashes or anything else that leads elsewhere are none of the page's.
  if (type === undefined || !/^(vendor\/)?[a-z-]+\.[a-z]+$/.test(path)) throw refusal(404, 'HTTP 404 Not Found');
  try {
    const headers = {
      'Content-Type': type,
      'Cache-Control': 'no-cache',
      'Content-Security-Policy': POLICY,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    };
    return c.body(await readFile(join(FOLDER, path)), 200, headers);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return errorAnswer(c, 404, 'HTTP 404 Not Found');
  }
}
