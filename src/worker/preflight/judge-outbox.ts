import { OperatorError } from '../../errors.ts';
import { Findings } from '../../finding.ts';
import { eventColumns } from '../../pipeline/outbox/event-columns.ts';
import type { OutboxSettings } from '../../pipeline/outbox/outbox-settings.ts';
import type { SourcePreflight } from '../../source/capture/preflight/source-preflight.ts';

/** What a look at a source found, without its outboxes, which no topic of a table and no replica has; each of them is judged. */
export function withoutOutboxes(looked: SourcePreflight, outbox: OutboxSettings | undefined): SourcePreflight {
  const { tables } = looked;
  if (outbox === undefined || tables === undefined) return looked;
  const found = new Findings();
  const outboxes = tables.filter((table) => outbox.isOutbox(table));
  for (const table of outboxes) {
    const object = `table ${table.schema}.${table.name}`;
    try {
      eventColumns(table, outbox);
      found.ok('outbox', object, 'Its rows are events; a replica does not have it.');
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      found.problem('outbox', object, `${error.message}.`, error.advice);
    }
  }
  if (outboxes.length === 0) {
    const fix = 'Correct table.include.list of the transform, or let table.include.list of the connector take it in.';
    found.warning('outbox', 'transform', 'No captured table is an outbox.', fix);
  }
  const others = tables.filter((table) => !outbox.isOutbox(table));
  return { ...looked, tables: others, findings: [...looked.findings, ...found.all] };
}
