import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import type { Histogram } from '../../../observe/histogram.ts';

/** How a thing becomes samples: `set` is called for each, with the labels besides those that all have. What is undefined has no sample. */
export type Samples<T> = (
  of: T,
  set: (value: number | undefined, labels?: Readonly<Record<string, string>>) => void,
) => void;

/** What a metric is: its name, what it says, and the labels of its own. */
export interface MetricSpec {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** Things of one kind that metrics are about: which there are now, and the labels that tell them apart. */
export class MetricFamily<T> {
  readonly #registry: Registry;
  readonly #all: () => Iterable<T>;
  readonly #labels: readonly string[];
  readonly #labelsOf: (of: T) => Readonly<Record<string, string>>;

  constructor(
    registry: Registry,
    labels: readonly string[],
    labelsOf: (of: T) => Readonly<Record<string, string>>,
    all: () => Iterable<T>,
  ) {
    this.#registry = registry;
    this.#labels = labels;
    this.#labelsOf = labelsOf;
    this.#all = all;
  }

  gauge(spec: MetricSpec, samples: Samples<T>): void {
    this.#add(Gauge, spec, samples);
  }

  counter(spec: MetricSpec, samples: Samples<T>): void {
    this.#add(Counter, spec, samples);
  }

  /** A histogram that was filled elsewhere: prom-client's own can only be filled value by value. */
  histogram({ name, help }: MetricSpec, of: (each: T) => Histogram | undefined): void {
    const get = async (): Promise<object> => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: this.#values(name, of),
    });
    this.#registry.registerMetric({ name, get, reset: () => {} } as unknown as Metric);
  }

  /** Filled when it is asked for; a thing that is gone leaves no sample. */
  #add(Kind: typeof Counter | typeof Gauge, { name, help, labels = [] }: MetricSpec, samples: Samples<T>): void {
    const [all, labelsOf] = [this.#all, this.#labelsOf];
    new Kind({
      name,
      help,
      labelNames: [...this.#labels, ...labels],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const each of all()) {
          samples(each, (value, more) => {
            if (value !== undefined) this.inc({ ...labelsOf(each), ...more }, value);
          });
        }
      },
    });
  }

  #values(name: string, of: (each: T) => Histogram | undefined): readonly object[] {
    return [...this.#all()].flatMap((each) => {
      const histogram = of(each);
      if (histogram === undefined) return [];
      const labels = this.#labelsOf(each);
      let count = 0;
      const buckets = histogram.counts.map((inBucket, i) => {
        count += inBucket;
        return { metricName: `${name}_bucket`, labels: { ...labels, le: histogram.bounds[i] ?? '+Inf' }, value: count };
      });
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: histogram.sum },
        { metricName: `${name}_count`, labels, value: count },
      ];
    });
  }
}
