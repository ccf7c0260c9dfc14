/** A page has one thread here: shared memory asks for headers that few servers send. */
export function startCrew(): undefined {
  return undefined;
}

export function usualThreads(): number {
  return 1;
}
