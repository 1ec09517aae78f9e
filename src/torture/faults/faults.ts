import { clock } from './clock.ts';
import { cut, halfOpen, lostResponse, stall, walsender } from './connections.ts';
import { diskFull } from './disk-full.ts';
import type { Fault, FaultKind } from './fault.ts';
import { restarts } from './restarts.ts';
import { zombie } from './zombie.ts';

/** Every kind of fault. */
export const FAULTS: ReadonlyMap<FaultKind, Fault> = new Map(
  [zombie, lostResponse, ...restarts, walsender, cut, halfOpen, stall, diskFull, clock].map((fault) => [
    fault.kind,
    fault,
  ]),
);
