import type { TableSchema } from '../../change/table-schema.ts';
import { fieldsOf } from '../../converter/avro/field.ts';
import { Findings, type Finding } from '../../finding.ts';
import { dataTopic } from '../../log/protocol/topics.ts';

/** Judges what the tables become in topics: columns that consumers see as text, and tables that share a topic's name. */
export function judgeRecords(prefix: string, tables: readonly TableSchema[]): readonly Finding[] {
  const found = new Findings();
  const topics = new Map<string, string>();
  for (const table of tables) {
    const name = `${table.schema}.${table.name}`;
    const texts = fieldsOf(table).filter(({ kind, column }) => kind === 'text' && !column.generated);
    if (texts.length > 0) {
      const list = texts.map(({ column }) => `${column.name} (${column.type.declared})`).join(', ');
      found.warning(
        'types',
        `table ${name}`,
        `Consumers of its topic see these columns as text: ${list}. A replica gets them exactly.`,
      );
    }
    const topic = dataTopic(prefix, table.schema, table.name);
    const other = topics.get(topic);
    if (other !== undefined) {
      found.warning(
        'topic names',
        `topic ${topic}`,
        `Tables ${other} and ${name} share it: letters that Kafka does not allow in names become underscores.`,
        'Leave one of them out with table.exclude.list, or rename it.',
      );
    }
    topics.set(topic, name);
  }
  return found.all;
}
