import { codeTask } from "./code/code.ts";
import { mathTask } from "./math/math.ts";
import { type Task, TaskError } from "./task.ts";

/** What makes each task, with the teacher that this repository's base models learnt from. */
const TASKS = { math: mathTask, code: codeTask };

/** The name of a task, as in a run's id. */
export type TaskName = keyof typeof TASKS;

/** The names of the tasks. */
export const TASK_NAMES = Object.keys(TASKS) as readonly TaskName[];

/**
 * A name as a user wrote it.
 *
 * @throws {TaskError} listing the right ones if it is none.
 */
export function taskName(text: string): TaskName {
  const name = TASK_NAMES.find((name) => name === text);
  if (name !== undefined) return name;
  throw new TaskError(`there is no task ${text}, expected ${TASK_NAMES.join(" or ")}.`);
}

/** A task with the teacher that this repository's base models learnt from. */
export function taskByName(name: TaskName): Task {
  // A task's own kind of problem goes in only where it came out.
  return TASKS[name]() as Task;
}
