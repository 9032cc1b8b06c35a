// One line per file and per failure, and the counts as node's own reporters end: `# pass N`.

import { basename } from "node:path";

export default async function* report(events) {
  const counts = { pass: 0, fail: 0, skipped: 0, todo: 0 };
  const files = new Map();
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const file = basename(data.file ?? "");
    const kind = data.skip !== undefined ? "skipped" : data.todo !== undefined ? "todo" : type.slice("test:".length);
    counts[kind]++;
    files.set(file, (files.get(file) ?? 0) + 1);
    if (type === "test:fail") {
      const error = data.details.error.cause ?? data.details.error;
      yield `not ok - ${file}: ${data.name}\n${error.stack ?? error}\n${error.responseBody ?? ""}\n`;
    }
  }
  for (const [file, count] of files) yield `${file}: ${count} tests\n`;
  for (const [name, count] of Object.entries(counts)) yield `# ${name} ${count}\n`;
}
