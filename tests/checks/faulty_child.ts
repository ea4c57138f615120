/** Stands for the process that reads inputs: dies at input 1, hangs at 3, takes all memory at 5. */
const { from, to, stride } = JSON.parse(Deno.args[0]!);
for (let index = from; index < to; index += stride) {
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify({ index }) + "\n"));
  if (index === 1) {
    console.error("out of luck");
    Deno.exit(70);
  }
  if (index === 5) Deno.stderr.writeSync(new TextEncoder().encode(`memory ${2 ** 40}\n`));
  while (index === 3 || index === 5);
}
