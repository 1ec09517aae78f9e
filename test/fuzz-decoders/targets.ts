import type { Target } from './target.ts';
import { AVRO_TARGETS } from './targets/avro.ts';
import { CONFIG_TARGETS } from './targets/config.ts';
import { FILE_TARGETS } from './targets/files.ts';
import { KAFKA_TARGETS } from './targets/kafka.ts';
import { LOG_TARGETS } from './targets/log.ts';
import { OUTBOX_TARGETS } from './targets/outbox.ts';
import { REST_TARGETS } from './targets/rest.ts';
import { TEXT_TARGETS } from './targets/text.ts';
import { WAL_TARGETS } from './targets/wal.ts';

/** Every decoder that meets bytes which others have written. */
export const TARGETS: readonly Target[] = [
  ...WAL_TARGETS,
  ...TEXT_TARGETS,
  ...AVRO_TARGETS,
  ...LOG_TARGETS,
  ...KAFKA_TARGETS,
  ...FILE_TARGETS,
  ...OUTBOX_TARGETS,
  ...CONFIG_TARGETS,
  ...REST_TARGETS,
];
