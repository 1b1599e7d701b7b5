// Checks what documents promise: every exported name has a docstring, every link in a document leads somewhere.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const problems = [];

function files(folder, ending) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));
}

const declaration =
  /^export (?:default )?(?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type|const|let) ([A-Za-z0-9_$]+)/;

for (const path of files(join(root, "src"), ".ts")) {
  if (path.endsWith(".test.ts")) continue;
  const lines = readFileSync(path, "utf8").split("\n");
  let documented = new Set();
  lines.forEach((line, index) => {
    const name = declaration.exec(line)?.[1];
    if (name === undefined) return;
    // Overloads and the value beside a type of the same name share one docstring.
    let above = index - 1;
    while (/^(\/\/|@)/.test(lines[above] ?? "")) above--;
    if (lines[above]?.trimEnd().endsWith("*/")) documented.add(name);
    else if (!documented.has(name))
      problems.push(`${relative(root, path)}:${index + 1}: "${name}" has no docstring`);
  });
}

function anchorOf(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

function anchorsOf(path) {
  const headings = readFileSync(path, "utf8").matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...headings].map((match) => anchorOf(match[1].replaceAll("`", ""))));
}

const documents = [join(root, "README.md"), ...files(join(root, "docs"), ".md")];
for (const path of documents) {
  const text = readFileSync(path, "utf8").replace(/^```[\s\S]*?^```/gm, (block) =>
    block.replace(/[^\n]/g, ""),
  );
  text.split("\n").forEach((line, index) => {
    for (const [, target] of line.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file, anchor] = target.split("#");
      const place = `${relative(root, path)}:${index + 1}`;
      const absolute = file === "" ? path : resolve(dirname(path), file);
      if (!existsSync(absolute)) problems.push(`${place}: link to "${target}" leads nowhere`);
      else if (anchor && !anchorsOf(absolute).has(anchor))
        problems.push(`${place}: no heading "#${anchor}" in ${file || "this file"}`);
    }
  });
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`docstrings and links: no problem in ${documents.length} documents and src/`);
