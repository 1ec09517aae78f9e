/** The daemon's REST API, as the page asks it. The page lies at `/ui/`, so paths are relative to the one above. */

const KEPT_AS = 'rowcast.authorization';

/** The daemon wants credentials, or others. */
export class SignInNeeded extends Error {}

/** Reads an answer. Throws SignInNeeded, or Error with the daemon's word. */
export async function read<Answer>(path: string): Promise<Answer> {
  const response = await ask('GET', path);
  // A health that is bad is an answer as well.
  if (!response.ok && response.status !== 503) throw new Error(await wordOf(response));
  return (await response.json()) as Answer;
}

/** Has something done. Throws SignInNeeded, or Error with the daemon's word. */
export async function act(method: string, path: string, body?: unknown): Promise<void> {
  const response = await ask(method, path, body);
  if (!response.ok) throw new Error(await wordOf(response));
}

/** Keeps credentials for this tab: a bearer token when there is no user. */
export function signIn(user: string, secret: string): void {
  const bytes = new TextEncoder().encode(`${user}:${secret}`);
  const header = user === '' ? `Bearer ${secret}` : `Basic ${btoa(String.fromCharCode(...bytes))}`;
  sessionStorage.setItem(KEPT_AS, header);
}

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const authorization = sessionStorage.getItem(KEPT_AS);
  const response = await fetch(`..${path}`, {
    method,
    cache: 'no-store',
    // Else the browser would ask for a password itself where the page's own form does.
    credentials: 'omit',
    headers: {
      ...(authorization !== null && { Authorization: authorization }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (response.status === 401) throw new SignInNeeded();
  return response;
}

async function wordOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return `The daemon answered ${response.status}: ${text.slice(0, 200)}`;
  }
}
