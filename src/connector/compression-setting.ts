import { choice, type Setting, type SettingSpec } from './setting.ts';

/** Kafka's producer setting `compression.type`, under the key that a file has it under. */
export function compressionType(key: string, spec: SettingSpec): Setting<'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'> {
  return choice(key, ['none', 'gzip', 'snappy', 'lz4', 'zstd'], spec);
}
