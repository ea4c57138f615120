/** Tells on stderr how many bytes of memory the process has, ten times a second. */
setInterval(() => {
  const line = `memory ${Deno.memoryUsage().rss}\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}, 100);
