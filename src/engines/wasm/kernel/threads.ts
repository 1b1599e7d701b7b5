// Several threads on one network. The thread that called leads; helpers wait for work in `help`. Who computes what is
// decided by counters, but no result depends on it: each number is computed by one thread in a fixed order.

import { Net } from "./memory";

/** Looks at a word in shared memory before a thread goes to sleep: some 20 µs, more than phases of a step are apart. */
const SPINS: i32 = 8000;

/** Work, in multiply-adds, between two looks at the stop flag: 0.3 ms, so under 5 ms on a machine a tenth as fast. */
const WORK_PER_LOOK: i32 = 1 << 22;

/** 0 for the leader. */
let thread: i32 = 0;
/** Threads on the piece of work under way. */
let threads: i32 = 1;
let budget: i32 = WORK_PER_LOOK;

/** Whether the run was asked to stop: an atomic read of the control block. */
@external("env", "isStopped")
declare function isStopped(): i32;

@inline
function word(net: Net, offset: usize): usize {
  return changetype<usize>(net) + offset;
}

/** Whether this is the thread that called. */
@inline
export function isLeader(): bool {
  return thread == 0;
}

/** Looks at the stop flag (the leader at the run's, helpers at the leader's). Whether to stop. */
export function look(net: Net): bool {
  const at = word(net, offsetof<Net>("stopped"));
  if (thread == 0 && isStopped() != 0) atomic.store<i32>(at, 1);
  return atomic.load<i32>(at) != 0;
}

/** Counts work done and looks at the stop flag when it is time. Whether to stop. */
@inline
export function worked(net: Net, multiplyAdds: i32): bool {
  budget -= multiplyAdds;
  if (budget > 0) return false;
  budget = WORK_PER_LOOK;
  return look(net);
}

/** The next unit of the phase under way: every unit goes to one thread. */
@inline
export function takeUnit(net: Net): i32 {
  if (threads > 1) return atomic.add<i32>(word(net, offsetof<Net>("next")), 1);
  return net.next++;
}

function waitWhile(at: usize, value: i32): void {
  for (let i = 0; i < SPINS; i++) if (atomic.load<i32>(at) != value) return;
  while (atomic.load<i32>(at) == value) atomic.wait<i32>(at, value, -1);
}

/** All threads meet. The last one in starts the units of the next phase at 0. */
export function barrier(net: Net): void {
  if (threads == 1) {
    net.next = 0;
    return;
  }
  const generation = word(net, offsetof<Net>("generation"));
  const current = atomic.load<i32>(generation);
  if (atomic.add<i32>(word(net, offsetof<Net>("arrived")), 1) == threads - 1) {
    atomic.store<i32>(word(net, offsetof<Net>("arrived")), 0);
    atomic.store<i32>(word(net, offsetof<Net>("next")), 0);
    atomic.store<i32>(generation, current + 1);
    atomic.notify(generation, threads);
  } else {
    waitWhile(generation, current);
  }
}

/** The leader begins a piece of work, with all helpers that are there if `shared`. */
export function begin(net: Net, work: i32, shared: bool): void {
  thread = 0;
  const helpers = shared ? atomic.load<i32>(word(net, offsetof<Net>("ready"))) : 0;
  threads = 1 + helpers;
  net.work = work;
  net.next = 0;
  if (helpers == 0) return;
  const command = word(net, offsetof<Net>("command"));
  atomic.store<i32>(command, (((atomic.load<i32>(command) >> 6) + 1) << 6) + helpers);
  atomic.notify(command, -1);
}

/** A helper waits for work other than `seen`. Returns the command; whether it takes part is said by `takesPart`. */
export function awaitCommand(net: Net, seen: i32): i32 {
  const at = word(net, offsetof<Net>("command"));
  waitWhile(at, seen);
  return atomic.load<i32>(at);
}

/** The command that stands when a helper comes. */
export function currentCommand(net: Net): i32 {
  return atomic.load<i32>(word(net, offsetof<Net>("command")));
}

/** A helper makes itself known: from now on it is counted. */
export function register(net: Net): void {
  thread = 1 + atomic.add<i32>(word(net, offsetof<Net>("ready")), 1);
}

/** Whether this helper is among those that a command counts. */
export function takesPart(command: i32): bool {
  threads = 1 + (command & 63);
  return thread < threads;
}
