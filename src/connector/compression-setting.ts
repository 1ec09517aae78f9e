import { choice, optional, type Setting, type SettingSpec } from './setting.ts';

/** What Kafka's producer setting `compression.type` may be. */
export type CompressionName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** That setting, under the key that a file has it under. */
export function compressionType(key: string, spec: SettingSpec): Setting<CompressionName> {
  return choice(key, ['none', 'gzip', 'snappy', 'lz4', 'zstd'], spec);
}

/** What one source connector says of it. */
export const SOURCE_COMPRESSION: Setting<CompressionName | undefined> = optional(
  compressionType('producer.override.compression.type', {
    group: 'Topics',
    doc: "What the records of table topics are compressed with; the daemon's producer.compression.type when it is not said. lz4 costs the least CPU.",
  }),
);
