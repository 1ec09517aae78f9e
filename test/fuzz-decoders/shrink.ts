/** Runs an input again; true when it still goes wrong in the same way. */
export type StillFails = (input: Buffer) => Promise<boolean>;

/** Makes a failing input smaller: leaves out stretches, then makes bytes zero, until nothing more can go or `isOver`. */
export async function shrinkBytes(input: Buffer, stillFails: StillFails, isOver: () => boolean): Promise<Buffer> {
  let smallest = input;
  for (let before = Number.POSITIVE_INFINITY; smallest.length < before && !isOver(); ) {
    before = smallest.length;
    smallest = await leaveOut(smallest, stillFails, isOver);
  }
  return await zeroed(smallest, stillFails, isOver);
}

async function leaveOut(input: Buffer, stillFails: StillFails, isOver: () => boolean): Promise<Buffer> {
  let smallest = input;
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.length && !isOver(); ) {
      const fewer = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (await stillFails(fewer)) smallest = fewer;
      else at += size;
    }
  }
  return smallest;
}

async function zeroed(input: Buffer, stillFails: StillFails, isOver: () => boolean): Promise<Buffer> {
  let plainest = input;
  for (let at = 0; at < input.length && !isOver(); at++) {
    if (plainest[at] === 0) continue;
    const plainer = Buffer.from(plainest);
    plainer[at] = 0;
    if (await stillFails(plainer)) plainest = plainer;
  }
  return plainest;
}
