import { actionsFor, type Action } from './actions.ts';
import type { Connector, Copy } from './answers.ts';
import { Chart } from './chart.ts';
import { element, tell } from './element.ts';
import { History } from './history.ts';
import { lagOf, rowsOf, stateInWords, toneOf } from './reading.ts';
import { duration, perSecond, whole } from './text.ts';

/** Five minutes of seconds. */
const MOST_SAMPLES = 300;

/** One connector on the page. It is made once and changed in place: what has the focus keeps it. */
export class Card {
  readonly root: HTMLElement = element('section', { class: 'card' });
  readonly #history = new History(MOST_SAMPLES);
  readonly #state = element('span', { class: 'state' });
  readonly #doing = element('p', { class: 'quiet' });
  readonly #trouble = element('div', { role: 'alert' });
  readonly #progress = element('div');
  readonly #rate = new Chart('rows per second', perSecond);
  readonly #lag: Chart;
  readonly #buttons: readonly (readonly [Action, HTMLButtonElement])[];
  readonly #facts = element('table');

  constructor(connector: Connector, act: (connector: string, action: Action) => void) {
    const { name, type } = connector.info;
    const heading = element('h3', { id: `connector-${name}` }, name);
    this.root.setAttribute('aria-labelledby', heading.id);
    this.#lag = new Chart(type === 'sink' ? 'lag behind the source' : 'since the last commit', duration);
    this.#buttons = actionsFor(connector).map((action) => {
      const button = element('button', { type: 'button', 'aria-label': `${action.name} ${name}` }, action.name);
      button.addEventListener('click', () => act(name, action));
      return [action, button] as const;
    });
    this.root.append(
      element('div', { class: 'head' }, heading, this.#state),
      this.#doing,
      this.#trouble,
      this.#progress,
      element('div', { class: 'charts' }, this.#rate.root, this.#lag.root),
      element('div', { class: 'actions' }, ...this.#buttons.map(([, button]) => button)),
      element('details', {}, element('summary', {}, 'Configuration'), this.#facts),
    );
  }

  /** Shows the connector as it is `now` (milliseconds since 1970). */
  show(connector: Connector, now: number): void {
    const { connector: running, rowcast } = connector.status;
    this.root.dataset['tone'] = toneOf(connector);
    tell(this.#state, stateInWords(connector));
    const stage = rowcast.stage?.name ?? '';
    tell(this.#doing, stage === rowcast.state ? '' : stage); // what has failed is at no stage
    this.#showTrouble(connector);
    this.#showCopy(rowcast.snapshot ?? undefined);
    this.#history.add({ at: now / 1000, rows: rowsOf(rowcast), lagMs: lagOf(rowcast, now) });
    const { at, rate, lagMs } = this.#history.series();
    this.#rate.draw(at, rate);
    this.#lag.draw(at, lagMs);
    for (const [action, button] of this.#buttons) button.disabled = !action.isPossible(running.state);
    this.#showFacts(connector);
  }

  #showTrouble({ status: { connector, rowcast } }: Connector): void {
    const { failure, problems, warnings } = rowcast;
    const made: HTMLElement[] = [];
    if (failure !== undefined) {
      made.push(element('p', { class: 'error' }, element('b', {}, failure.message), failure.advice ?? ''));
    } else if (connector.trace !== undefined) made.push(element('p', { class: 'error' }, connector.trace));
    if (connector.trace !== problems.join('\n')) {
      made.push(...problems.map((each) => element('p', { class: 'error' }, each)));
    }
    made.push(...warnings.map((each) => element('p', { class: 'warning' }, each)));
    const isNew =
      made.map((each) => each.textContent).join('\n') !==
      [...this.#trouble.children].map((each) => each.textContent).join('\n');
    if (isNew) this.#trouble.replaceChildren(...made);
  }

  #showCopy(copy: Copy | undefined): void {
    if (copy === undefined || copy.tables_done >= copy.tables) return this.#progress.replaceChildren();
    const left = copy.seconds_left === null ? '' : `, ${duration(copy.seconds_left * 1000)} left`;
    const word = `Copies ${copy.table ?? 'tables'}: ${copy.tables_done} of ${copy.tables} tables, ${whole(copy.rows)} rows${left}`;
    const bar = copy.percent === null ? {} : { value: String(copy.percent) };
    this.#progress.replaceChildren(
      element('p', {}, word),
      element('progress', { max: '100', 'aria-label': word, ...bar }),
    );
  }

  #showFacts({ info, status: { rowcast } }: Connector): void {
    const facts = { file: rowcast.file, position: String(rowcast.position ?? ''), ...info.config };
    const rows = Object.entries(facts).filter(([, value]) => value !== '');
    const text = rows.flat().join('');
    if (this.#facts.textContent === text) return;
    this.#facts.replaceChildren(
      ...rows.map(([key, value]) => element('tr', {}, element('th', { scope: 'row' }, key), element('td', {}, value))),
    );
  }
}
