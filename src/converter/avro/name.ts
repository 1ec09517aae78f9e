import type { NameAdjustment } from './modes.ts';

/**
 * A legal Avro name: what Avro does not allow becomes `_`, and a digit in front gets one before it
 * (Debezium's `field.name.adjustment.mode=avro`). `__proto__` gets one too: avsc, and what else is written in JavaScript, keeps fields
 * in objects, where that name means something else. With `avro_unicode` such characters, and `_` itself, become `_uXXXX`.
 * @see https://avro.apache.org/docs/1.12.0/specification/#names
 */
export function avroName(name: string, adjustment: NameAdjustment = 'avro'): string {
  if (adjustment === 'avro_unicode') return unicodeName(name);
  const legal = name.replace(/[^A-Za-z0-9_]/g, '_');
  return /^[A-Za-z_]/.test(legal) && legal !== '__proto__' ? legal : `_${legal}`;
}

/** A legal Avro namespace made of a topic's name: every part between dots is a legal name. */
export function avroNamespace(topic: string, adjustment: NameAdjustment = 'avro'): string {
  return topic
    .split('.')
    .map((part) => avroName(part, adjustment))
    .join('.');
}

/** Legal Avro names for the names in `names`, all different: of two that become the same, the later gets a number. */
export function avroNames(names: readonly string[], adjustment: NameAdjustment = 'avro'): string[] {
  const legal = names.map((name) => avroName(name, adjustment));
  const taken = new Set(legal.filter((name, i) => name === names[i]));
  return legal.map((name, i) => {
    if (name === names[i]) return name;
    let free = name;
    for (let n = 2; taken.has(free); n++) free = `${name}_${n}`;
    taken.add(free);
    return free;
  });
}

/** By UTF-16 code units, as Java has them. */
function unicodeName(name: string): string {
  if (name === '') return '_';
  return name.replaceAll(/^[0-9]|[^A-Za-z0-9]/g, (char) => {
    const units = Array.from({ length: char.length }, (_, i) => char.charCodeAt(i));
    return units.map((unit) => `_u${unit.toString(16).padStart(4, '0')}`).join('');
  });
}
