import { scoreAround } from "../lost.ts";
import type { Run } from "../readers/run.ts";
import type { Spike } from "../spikes.ts";
import { stepText } from "../step_text.ts";
import { round } from "./words.ts";

/**
 * What to do where the entropy is not finite any more: no remedy of the paper acts on that.
 *
 * @param step From which on it is not.
 * @param spike Of the gradient norm, right before it.
 */
export function lostText(run: Run, step: number, spike: Spike | undefined): string {
  const score = scoreAround(run, step);
  if (score !== undefined && !(score.differ && score.falls)) {
    return `the entropy is no finite number from step ${
      stepText(step)
    } on, but the score did not fall there: look first at how the entropy is computed (logits of -inf, empty responses, a narrow number format).`;
  }
  const [since, where] = spike === undefined
    ? [step, ""]
    : [spike.step, `, where the gradient norm has a spike of ${round(spike.value, 2)}`];
  return `the entropy is no finite number from step ${
    stepText(step)
  } on, so a remedy for its course comes too late: go back to a checkpoint from before step ${
    stepText(since)
  }${where}, and look in that step's batch and gradient for what is not finite; a smaller learning rate, clipped gradients and a wider number format of the logits help against overflow.`;
}

/** What to do where the entropy or the score broke right after a spike of the gradient norm. */
export function spikeText({ step, value, level }: Spike): string {
  return `look first at step ${stepText(step)}, where the gradient norm is ${
    round(value, 2)
  } (else ${
    round(level, 2)
  }), right before the run broke: go back to a checkpoint from before it and look at its batch; clipped gradients and a smaller learning rate help against such spikes, and the paper's remedies for the entropy do not.`;
}
