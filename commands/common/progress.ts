import { number } from "../../formats/number.ts";
import type { TrainSettings } from "../../experiments/lab/train_settings.ts";
import type { StepData } from "../../experiments/lab/step_data.ts";
import type { StepTiming } from "../../experiments/lab/train.ts";

/** Shows a run while it goes on. */
export interface Progress {
  /** Shows a step that was made. */
  step(step: number, data: StepData, timing: StepTiming): void;
  /** Ends the line, so that other text begins on one of its own. */
  end(): void;
}

/** A line that is written over after each step on a terminal, a line for each step elsewhere. */
export function showProgress(settings: TrainSettings): Progress {
  const onTerminal = Deno.stdout.isTerminal();
  const write = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(text));
  // With its validation the first step may take a minute.
  let isOpen = onTerminal;
  if (onTerminal) write("working on the first step …");
  let seconds = 0;
  let steps = 0;
  return {
    step(step, data, timing) {
      seconds += timing.validation + timing.rollout + timing.update;
      steps++;
      const line = describeStep(step, settings, data, { ...timing, pace: seconds / steps });
      if (!onTerminal) return console.log(line);
      // A line that fills the last column would be continued on the next.
      write(`\r\x1b[K${line.slice(0, Deno.consoleSize().columns - 1)}`);
      isOpen = true;
    },
    end() {
      if (isOpen) write("\n");
      isOpen = false;
    },
  };
}

/** How long a step took, and seconds of a step so far, with validation, for the time left. */
interface Pace extends StepTiming {
  readonly pace: number;
}

/** One line for a step: what a researcher watches. */
function describeStep(
  step: number,
  { steps, prompts, group }: TrainSettings,
  data: StepData,
  { rollout, update, pace }: Pace,
): string {
  const accuracies = Object.entries(data)
    .filter(([key]) => key.startsWith("val-core/") && key.includes("/mean@"))
    .map(([, accuracy]) => accuracy as number);
  const benchmarks = accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length;
  const tokens = prompts * group * data["response_length/mean"];
  return [
    `step ${step}/${steps}`,
    `entropy ${number(data["actor/entropy"], 3)}`,
    `accuracy ${percent(data["critic/score/mean"])}`,
    `${number(tokens / (rollout + update), 3)} tokens/s`,
    `${duration((steps - step) * pace)} left`,
    // What does not fit on 80 columns is the least missed.
    `length ${number(data["response_length/mean"], 3)}`,
    ...(accuracies.length === 0 ? [] : [`benchmarks ${percent(benchmarks)}`]),
  ].join("  ");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Seconds as a person says them: `45 s`, `12 min`, `3 h 20 min`. */
export function duration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
