/**
 * The dynamic filter: whether each group has responses of different reward. One that is all right or all
 * wrong has advantage 0 everywhere and is left out of the update.
 *
 * @param rewards Outcome rewards, B numbers, group after group.
 * @param group Responses in a group.
 */
export function groupHasSignal(rewards: ArrayLike<number>, group: number): boolean[] {
  return Array.from({ length: rewards.length / group }, (_, at) => {
    for (let i = at * group + 1; i < (at + 1) * group; i++) {
      if (rewards[i] !== rewards[at * group]) return true;
    }
    return false;
  });
}
