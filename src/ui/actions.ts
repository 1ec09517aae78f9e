import type { Connector, ConnectState } from './answers.ts';

/** Something that a person can have done to a connector. */
export interface Action {
  readonly name: string;
  readonly method: 'PUT' | 'POST' | 'DELETE';
  /** Behind `/connectors/{name}`. */
  readonly path: string;
  readonly body?: unknown;
  /** Asked before it is done. */
  readonly question?: string;
  readonly done: string;
  readonly isPossible: (state: ConnectState) => boolean;
}

const isStarted = (state: ConnectState): boolean => state !== 'PAUSED' && state !== 'STOPPED';

const ALL: readonly Action[] = [
  { name: 'Pause', method: 'PUT', path: '/pause', done: 'is being paused', isPossible: isStarted },
  {
    name: 'Resume',
    method: 'PUT',
    path: '/resume',
    done: 'is being resumed',
    isPossible: (state) => state === 'PAUSED' || state === 'STOPPED',
  },
  {
    name: 'Restart',
    method: 'POST',
    path: '/restart?includeTasks=true',
    done: 'is being restarted',
    isPossible: isStarted,
  },
  {
    name: 'Stop',
    method: 'PUT',
    path: '/stop',
    question: 'It gives up its task, and its slot holds the WAL of the source until it goes on.',
    done: 'is being stopped',
    isPossible: (state) => state !== 'STOPPED',
  },
];

const SNAPSHOT: Action = {
  name: 'Snapshot',
  method: 'POST',
  path: '/snapshot',
  body: { type: 'incremental', 'data-collections': ['.*'] },
  question: 'All captured tables are copied once more, while changes go on.',
  done: 'copies its tables',
  isPossible: (state) => state === 'RUNNING',
};

/** What can be done to this connector, possible now or not. */
export function actionsFor({ info }: Connector): readonly Action[] {
  return info.type === 'source' ? [...ALL, SNAPSHOT] : ALL;
}
