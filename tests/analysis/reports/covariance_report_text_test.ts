/** What cov says of a batch in words; tests/tasks/cov_test.ts has the rest. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { covarianceJson } from "../../../analysis/reports/covariance_json.ts";
import { covarianceText } from "../../../analysis/reports/covariance_text.ts";
import { covarianceReport } from "../../../analysis/tokens/covariance_report.ts";
import { DEFAULT_SETTINGS } from "../../../analysis/tokens/covariance_settings.ts";
import { readTokens } from "../../../analysis/tokens/read_tokens.ts";
import { withFolder } from "../../support.ts";

Deno.test("cov's text has the paper's symbols, and its grammar for one token and several", () =>
  withFolder(async (folder) => {
    const path = join(folder, "tokens.jsonl");
    const logProb = [-4.5, -3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 4.5];
    const advantages = logProb.map(Math.sign);
    const line = JSON.stringify({ log_prob: [...logProb, "?"], advantages: [...advantages, 1] });
    await Deno.writeTextFile(path, line.replace('"?"', "NaN") + "\n");
    using dump = await readTokens(path);
    const settings = { ...DEFAULT_SETTINGS, klCovRatio: 0.2, clipCovRatio: 0.1, covarianceLow: 4 };
    const report = covarianceReport(dump, settings);
    const text = covarianceText(dump, report);
    assert.match(text, /^.*tokens\.jsonl \(jsonl, 1 sequence\)\n/);
    assert.match(
      text,
      /KL-Cov +paper, k = 0\.2: ⌊0\.2 · 10⌋ = 2 asked, 2 selected \(20 %\), covariance ≥ 4\.5\n/,
    );
    assert.match(text, /\n +they carry 36 % of the sum of all covariances/);
    assert.match(
      text,
      /Clip-Cov +paper, r = 0\.1: ⌊0\.1 · 10⌋ = 1 asked, 1 selected \(10 %\) of the 2 candidates, 4 < c/,
    );
    assert.match(text, /\n +it carries 18 % of the sum of all covariances/);
    assert.match(text, /note +1 response token was left out, whose/);
    const json = JSON.parse(covarianceJson(dump, report));
    assert.deepEqual(json.klCov, { ...report.klCov });
    assert.deepEqual([json.clipCov.clipCovRatio, json.clipCov.covarianceLow], [0.1, 4]);
    assert(json.notes.some((note: string) => note.startsWith("1 response token was left out")));
  }));
