/**
 * The name of each fact that is logged: a line has it as `event`, and keeps it when its words are made better. Filters and alerts go by it; a name is
 * never given to another fact. What is documented of them is in docs/operating/log.md.
 */
export const EVENTS: Readonly<Record<string, string>> = {
  'daemon started': 'daemon.started',
  'daemon stopped': 'daemon.stopped',
  'daemon crashed': 'daemon.crashed',
  'Kafka does not answer and is waited for': 'kafka.awaited',
  'worker thread died and is replaced': 'thread.died',
  'connector started': 'connector.started',
  'connector restarted': 'connector.restarted',
  'connector stopped': 'connector.stopped',
  'connector failed': 'connector.failed',
  'connector failed and is tried again': 'connector.retried',
  'connector deleted': 'connector.deleted',
  'connector removed, nothing was deleted on the servers': 'connector.removed',
  'connector did not stop in time: its thread was ended': 'connector.overdue',
  'connector could not be handed to its thread': 'connector.unstartable',
  'first copy began': 'copy.began',
  'tables are being copied': 'copy.progressed',
  'tables copied': 'copy.finished',
  'table copied while streaming': 'copy.table_finished',
  'copying everything again': 'copy.repeated',
  streaming: 'connector.streaming',
  'slot keeps much WAL': 'slot.warning',
  'slot has almost no room left': 'slot.critical',
  'slot keeps more WAL than its budget': 'slot.exhausted',
  'slot keeps less WAL': 'slot.relieved',
  'slot is well again': 'slot.recovered',
  'slot is lost': 'slot.lost',
  'slot is gone': 'slot.missing',
  'slot dropped because its budget is used up': 'slot.dropped',
  'slot cannot be watched': 'slot.unwatched',
  'slot was not looked at': 'slot.look_failed',
  'replication slot is used by no connector any more': 'slot.orphaned',
  'slots could not be looked at': 'slot.orphans_unseen',
  'list of slots was begun anew': 'slot.list_renewed',
  'connector file written by REST': 'file.written',
  'connector file removed by REST': 'file.removed',
  'connector file cannot be used': 'file.refused',
  'connector file is in order again': 'file.accepted',
  'connector files cannot be read': 'directory.unreadable',
  'directory of connector files can be read again': 'directory.readable',
  'no connector files yet, waiting for some': 'directory.empty',
  'setting ignored': 'setting.ignored',
  signal: 'signal.told',
  'signal carried out: sync sequences': 'signal.carried_out',
  'signal is not carried out': 'signal.refused',
  'connection not accepted': 'rest.connection_refused',
  'request failed': 'rest.request_failed',
  'failures are not watched any more': 'rest.watch_ended',
};

/** Facts whose words are not the same each time, by how they begin. */
const BEGINNINGS: readonly (readonly [beginning: string, event: string])[] = [
  ['signal carried out: ', 'signal.carried_out'],
];

/** Events whose words say what was found; whoever logs them names the event. */
export const NAMED_EVENTS = {
  /** A source or a sink has something to say about its server, its tables or its settings. */
  noticed: 'connector.noticed',
  /** Rows of an outbox that are no events. */
  leftOut: 'outbox.left_out',
  /** A channel of signals: a topic or a file. */
  unreadable: 'signal.channel_unreadable',
} as const;

/** The name of a fact; undefined for one that has none. */
export function eventOf(fact: string): string | undefined {
  return EVENTS[fact] ?? BEGINNINGS.find(([beginning]) => fact.startsWith(beginning))?.[1];
}
