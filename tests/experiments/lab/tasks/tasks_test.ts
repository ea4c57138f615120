/** What holds for both tasks: lengths, verdicts, held-out benchmarks, grades, determinism. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CODE_TEACHER } from "../../../../experiments/lab/tasks/code/teacher.ts";
import { codeTask } from "../../../../experiments/lab/tasks/code/code.ts";
import { MATH_TEACHER } from "../../../../experiments/lab/tasks/math/teacher.ts";
import { mathTask } from "../../../../experiments/lab/tasks/math/math.ts";
import { BENCHMARK_SIZE } from "../../../../experiments/lab/tasks/problem_sets.ts";
import { seededRandom } from "../../../../experiments/lab/tasks/random.ts";
import { GUESS } from "../../../../experiments/lab/tasks/response.ts";
import { type Problem, type Task, TaskError } from "../../../../experiments/lab/tasks/task.ts";
import type { TeacherSettings } from "../../../../experiments/lab/tasks/teacher.ts";

/** A task with the settings that make it. */
interface Case {
  make(settings?: TeacherSettings): Task;
  settings: TeacherSettings;
}

const CASES: Case[] = [
  { make: mathTask, settings: MATH_TEACHER },
  { make: codeTask, settings: CODE_TEACHER },
];
const DRAWS = 50_000;

for (const { make, settings } of CASES) {
  const task = make();
  const { name, tokenizer } = task;
  const sources = Object.entries({ pretraining: task.pretraining, ...task.mixtures });
  const benchmarks = Object.entries(task.benchmarks);

  Deno.test(`${name}: no source ever gives a benchmark's problem`, () => {
    const heldOut = new Set(benchmarks.flatMap(([, list]) => list.map(({ prompt }) => prompt)));
    assert.equal(heldOut.size, 5 * BENCHMARK_SIZE, "benchmarks share problems");
    for (const [source, draw] of sources) {
      const random = seededRandom(11);
      const prompts = new Set<string>();
      for (let i = 0; i < DRAWS; i++) prompts.add(draw(random).prompt);
      assert(prompts.isDisjointFrom(heldOut), source);
      // What is left to train on. Code has 18 easy programs, each to be written from 56 choices of examples.
      const least = name === "code" && source === "easy" ? 500 : 2000;
      if (source === "narrow") assert.equal(prompts.size, 256);
      else assert(prompts.size > least, `${source} has ${prompts.size} problems`);
    }
  });

  Deno.test(`${name}: prompts and responses are in the vocabulary and within the lengths`, () => {
    const random = seededRandom(12);
    const check = (problem: Problem) => {
      const { prompt } = problem;
      assert.equal(tokenizer.decode(tokenizer.encode(prompt)), prompt);
      assert(prompt.length <= task.maxPromptTokens, prompt);
      for (
        const response of [task.teacher(problem, random), task.clean(problem), task.direct(problem)]
      ) {
        assert.equal(tokenizer.decode(tokenizer.encode(response)), response);
        assert.equal(tokenizer.encode(response).indexOf(tokenizer.end), response.length - 1);
        assert(task.verify(problem, response).finished, response);
      }
    };
    for (const [, list] of benchmarks) list.forEach(check);
    for (const [, draw] of sources) for (let i = 0; i < 5000; i++) check(draw(random));
  });

  Deno.test(`${name}: every clean and every direct solution is correct, and none without its end`, () => {
    const random = seededRandom(13);
    const check = (problem: Problem) => {
      for (const solution of [task.clean(problem), task.direct(problem)]) {
        const right = { correct: true, finished: true };
        assert.deepEqual(task.verify(problem, solution), right, solution);
        // What comes after the end token does not count.
        assert(task.verify(problem, solution + "_".repeat(100) + "0.").correct);
        const unended = task.verify(problem, solution.slice(0, -1));
        assert.deepEqual(unended, { correct: false, finished: false });
      }
    };
    for (const [, list] of benchmarks) list.forEach(check);
    for (const [, draw] of sources) for (let i = 0; i < 2000; i++) check(draw(random));
  });

  Deno.test(`${name}: a response counts as finished up to the longest length, not beyond`, () => {
    const problem = task.mixtures.standard(seededRandom(14));
    const { maxResponseTokens } = task;
    assert(task.verify(problem, "0".repeat(maxResponseTokens - 1) + ".").finished);
    assert(!task.verify(problem, "0".repeat(maxResponseTokens) + ".").finished);
  });

  Deno.test(`${name}: the verifier never throws, whatever was written`, () => {
    const random = seededRandom(15);
    const tokens = fc.array(fc.nat(tokenizer.paddedSize - 1), { maxLength: 200 });
    const written = fc.string({ unit: fc.constantFrom(...tokenizer.characters), maxLength: 100 });
    const response = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      tokens.map((ids) => tokenizer.decode(ids)),
      written,
      written.map((text) => text + "."),
    );
    fc.assert(
      fc.property(response, (text) => {
        const { correct, finished } = task.verify(task.mixtures.standard(random), text);
        assert(finished || !correct);
        assert.equal(finished, text.slice(0, task.maxResponseTokens).includes("."));
      }),
      { numRuns: 5000, seed: 3 },
    );
    const problem = task.mixtures.hard(random);
    for (const text of ["", ".", "..", ";.", "?.", "=.", ";?;?."]) {
      assert.equal(task.verify(problem, text).correct, false, text);
    }
    for (const unit of ["1", "x", "*", ";", "?", "1+", "\u{1F600}"]) {
      assert.equal(task.verify(problem, unit.repeat(1_000_000) + ".").finished, false);
    }
  });

  Deno.test(`${name}: benchmarks grow no shorter, and the teacher worse, from first to last`, () => {
    const random = seededRandom(16);
    let [smaller, better] = [0, 1];
    for (const [benchmark, list] of benchmarks) {
      const size = list.reduce((sum, problem) => sum + task.difficulty(problem).size, 0) /
        list.length;
      assert(size >= smaller, `${benchmark} has mean size ${size} after ${smaller}`);
      const repeats = 400;
      let correct = 0;
      for (const problem of list) {
        for (let i = 0; i < repeats; i++) {
          correct += Number(task.verify(problem, task.teacher(problem, random)).correct);
        }
      }
      const accuracy = correct / (list.length * repeats);
      assert(accuracy < better, `${benchmark}: ${accuracy} after ${better}`);
      [smaller, better] = [size, accuracy];
    }
  });

  Deno.test(`${name}: the easy mixture is easier than the standard one, the hard one harder`, () => {
    const random = seededRandom(17);
    const accuracy = (draw: (typeof sources)[number][1]) => {
      let correct = 0;
      for (let i = 0; i < 20_000; i++) {
        const problem = draw(random);
        correct += Number(task.verify(problem, task.teacher(problem, random)).correct);
      }
      return correct / 20_000;
    };
    const { easy, standard, hard } = task.mixtures;
    assert(accuracy(easy) > 1.2 * accuracy(standard));
    assert(accuracy(standard) > 1.2 * accuracy(hard));
  });

  Deno.test(`${name}: working the answer out pays`, () => {
    const random = seededRandom(18);
    const count = { direct: [0, 0], workedOut: [0, 0] };
    for (let i = 0; i < 40_000; i++) {
      const problem = task.mixtures.standard(random);
      const response = task.teacher(problem, random);
      const cell = response.startsWith(GUESS) ? count.direct : count.workedOut;
      cell[0]! += Number(task.verify(problem, response).correct);
      cell[1]!++;
    }
    const [direct, workedOut] = [count.direct, count.workedOut].map(([k, n]) => k! / n!);
    assert(workedOut! > direct! + 0.05, `${workedOut} and ${direct}`);
    const share = count.direct[1]! / 40_000;
    assert(Math.abs(share - settings.directShare) < 0.01, `direct share ${share}`);
  });

  Deno.test(`${name}: each misconception comes with problems that need it and no other`, () => {
    const misconceptions = task.misconceptions();
    const seen = new Set<number>();
    let before = 0;
    for (const { chance, problems } of misconceptions) {
      assert(before <= chance, "not from the rarest right one");
      before = chance;
      const [least, largest] = settings.misconceptionRight;
      assert(least <= chance && chance <= largest);
      const facts = new Set(problems.flatMap((one) => task.difficulty(one).misconceptions));
      assert.equal(facts.size, 1);
      assert(problems.every((one) => task.difficulty(one).misconceptions.length === 1));
      assert.equal(new Set(problems.map(({ prompt }) => prompt)).size, problems.length);
      for (const fact of facts) seen.add(fact);
    }
    assert.equal(seen.size, misconceptions.length);
    assert(misconceptions.length >= 30, `${misconceptions.length} misconceptions`);
  });

  Deno.test(`${name}: the same settings and seeds give the same problems and solutions`, () => {
    const again = make();
    assert.deepEqual(again.benchmarks, task.benchmarks);
    const lines = (from: Task, seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 500 }, () => {
        const problems = [from.pretraining, ...Object.values(from.mixtures)]
          .map((draw) => draw(random));
        return problems.map((problem) => problem.prompt + from.teacher(problem, random));
      });
    };
    assert.deepEqual(lines(again, 19), lines(task, 19));
    assert.notDeepEqual(lines(again, 20), lines(task, 19));
    const other = make({ ...settings, seed: settings.seed + 1 });
    assert.notDeepEqual(other.benchmarks, task.benchmarks);
  });

  Deno.test(`${name}: settings that make no teacher, or no benchmark, are named`, () => {
    const cases: [Partial<TeacherSettings>, RegExp][] = [
      [{ slip: 1.5 }, /^the teacher's slip is 1\.5, expected a number from 0 to 1\.$/],
      [{ directShare: NaN }, /^the teacher's directShare is NaN/],
      [{ misconceptionRight: [0, 0.1] }, /is from 0 to 0\.1, expected a range above 0\.$/],
      [{ misconceptionRight: [0.2, 0.1] }, /is from 0\.2 to 0\.1, expected a range above 0\.$/],
      [{ seed: 0.5 }, /^the teacher's seed is 0\.5, expected a whole number\.$/],
      [
        { misconceptionShare: 1 },
        /^10000 draws gave no further problem .* misconceptions for [\w-]+,/,
      ],
    ];
    for (const [change, message] of cases) {
      assert.throws(
        () => make({ ...settings, ...change }),
        (error) => error instanceof TaskError && message.test(error.message),
      );
    }
  });
}
