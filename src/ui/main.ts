import type { Action } from './actions.ts';
import type { Connectors, Health } from './answers.ts';
import { act, read, signIn, SignInNeeded } from './api.ts';
import { Card } from './card.ts';
import { byId, element, tell } from './element.ts';
import { type Pipeline, pipelinesOf } from './pipelines.ts';
import { healthTone } from './reading.ts';

const LOOK_MS = 1_000;
const TOLD_MS = 8_000;

interface Daemon {
  readonly rowcast: { readonly version: string };
  readonly kafka_cluster_id: string;
}

const cards = new Map<string, Card>();
/** What is laid out now: the cards only move when it changes. */
let layout = '';

async function look(): Promise<void> {
  try {
    const [connectors, health] = await Promise.all([
      read<Connectors>('/connectors?expand=info&expand=status'),
      read<Health>('/health'),
    ]);
    byId('sign-in').hidden = true;
    show(connectors);
    say(healthTone(health), health.message);
  } catch (error) {
    if (error instanceof SignInNeeded) byId('sign-in').hidden = false;
    say('bad', error instanceof SignInNeeded ? 'Not signed in' : `The daemon does not answer: ${wordOf(error)}`);
  }
}

function show(connectors: Connectors): void {
  const now = Date.now();
  const pipelines = pipelinesOf(connectors);
  for (const [name, connector] of Object.entries(connectors)) {
    const known = cards.get(name) ?? new Card(connector, ask);
    cards.set(name, known);
    known.show(connector, now);
  }
  for (const name of cards.keys()) if (connectors[name] === undefined) cards.delete(name);
  const wanted = JSON.stringify(pipelines.map(({ prefix, sources, sinks }) => [prefix, names(sources), names(sinks)]));
  if (wanted === layout) return;
  layout = wanted;
  const empty = element(
    'p',
    { class: 'nothing' },
    'No connectors yet: put a file into the directory of connectors, and it starts.',
  );
  byId('pipelines').replaceChildren(...(pipelines.length > 0 ? pipelines.map(pipelineRow) : [empty]));
}

function pipelineRow({ prefix, sources, sinks }: Pipeline): HTMLElement {
  const side = (members: Pipeline['sources'], what: string): HTMLElement => {
    const roots = members.flatMap(({ info }) => cards.get(info.name)?.root ?? []);
    return element(
      'div',
      { class: 'side' },
      ...(roots.length > 0 ? roots : [element('p', { class: 'nothing' }, what)]),
    );
  };
  return element(
    'section',
    { class: 'pipeline', 'aria-label': `Topics ${prefix}` },
    side(sources, 'No source of these topics runs here.'),
    element(
      'p',
      { class: 'topics' },
      element('span', { class: 'quiet' }, 'topics '),
      element('b', {}, prefix === '' ? 'unknown' : `${prefix}.*`),
    ),
    side(sinks, 'No sink reads these topics here; consumers may.'),
  );
}

function names(members: Pipeline['sources']): string[] {
  return members.map(({ info }) => info.name);
}

function ask(connector: string, { name, method, path, body, question, done }: Action): void {
  if (question !== undefined && !confirm(`${name} ${connector}?\n${question}`)) return;
  act(method, `/connectors/${encodeURIComponent(connector)}${path}`, body).then(
    () => notify(`${connector} ${done}`),
    (error: unknown) => notify(`${name} ${connector}: ${wordOf(error)}`),
  );
}

let clearing: ReturnType<typeof setTimeout> | undefined;
function notify(text: string): void {
  tell(byId('told'), text);
  clearTimeout(clearing);
  clearing = setTimeout(() => tell(byId('told'), ''), TOLD_MS);
  void look();
}

function say(tone: string, text: string): void {
  byId('health').dataset['tone'] = tone;
  tell(byId('health-text'), text);
}

function wordOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function lookForEver(): Promise<void> {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

byId<HTMLFormElement>('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  signIn(byId<HTMLInputElement>('user').value, byId<HTMLInputElement>('secret').value);
  void look().then(showDaemon);
});

async function showDaemon(): Promise<void> {
  const { rowcast, kafka_cluster_id } = await read<Daemon>('/');
  tell(byId('daemon'), `${rowcast.version} on ${kafka_cluster_id}`);
}

showDaemon().catch((error: unknown) => say('bad', wordOf(error)));
void lookForEver();
