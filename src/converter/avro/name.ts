/**
 * A legal Avro name: what Avro does not allow becomes `_`, and a digit in front gets one before it
 * (Debezium's `field.name.adjustment.mode=avro`). `__proto__` gets one too: avsc, and what else is written in JavaScript, keeps fields
 * in objects, where that name means something else.
 * @see https://avro.apache.org/docs/1.12.0/specification/#names
 */
export function avroName(name: string): string {
  const legal = name.replace(/[^A-Za-z0-9_]/g, '_');
  return /^[A-Za-z_]/.test(legal) && legal !== '__proto__' ? legal : `_${legal}`;
}

/** A legal Avro namespace made of a topic's name: every part between dots is a legal name. */
export function avroNamespace(topic: string): string {
  return topic.split('.').map(avroName).join('.');
}

/** Legal Avro names for the names in `names`, all different: of two that become the same, the later gets a number. */
export function avroNames(names: readonly string[]): string[] {
  const taken = new Set(names.filter((name) => avroName(name) === name));
  return names.map((name) => {
    const legal = avroName(name);
    if (legal === name) return name;
    let free = legal;
    for (let n = 2; taken.has(free); n++) free = `${legal}_${n}`;
    taken.add(free);
    return free;
  });
}
