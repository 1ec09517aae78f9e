import uPlot from './vendor/uplot.js';
import { element, tell } from './element.ts';

const HEIGHT_PX = 56;

/** A small line over time, with its last value in words. */
export class Chart {
  readonly root: HTMLElement;
  readonly #value = element('b');
  readonly #stage = element('div', { 'aria-hidden': 'true' });
  readonly #inWords: (value: number) => string;
  #plot: uPlot | undefined;

  constructor(title: string, inWords: (value: number) => string) {
    this.#inWords = inWords;
    this.root = element('figure', { class: 'chart' }, this.#stage, element('figcaption', {}, title, this.#value));
    new ResizeObserver(() => this.#resize()).observe(this.#stage);
  }

  /** Draws `values` at `at` (seconds since 1970). */
  draw(at: readonly number[], values: readonly (number | null)[]): void {
    const last = values.at(-1) ?? null;
    tell(this.#value, last === null ? '–' : this.#inWords(last));
    const data: uPlot.AlignedData = [[...at], [...values]];
    if (this.#plot === undefined) this.#plot = new uPlot(this.#options(), data, this.#stage);
    else this.#plot.setData(data);
  }

  #options(): uPlot.Options {
    // Asked at each drawing: people switch between light and dark.
    const accent = (): string => getComputedStyle(document.documentElement).getPropertyValue('--accent');
    return {
      width: Math.max(this.#stage.clientWidth, 60),
      height: HEIGHT_PX,
      legend: { show: false },
      cursor: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: { y: { range: (_plot, _min, max) => [0, Math.max(max ?? 0, 1)] } },
      series: [{}, { stroke: accent, width: 1.5, fill: () => `${accent()}22`, points: { show: false } }],
    };
  }

  #resize(): void {
    if (this.#stage.clientWidth > 0) this.#plot?.setSize({ width: this.#stage.clientWidth, height: HEIGHT_PX });
  }
}
