// Builds the package anew from `src`: CommonJS in miniprogram_dist, which mini programs take whole, and beside it ES
// modules in esm, for bundlers. Code without comments, for it is shipped to phones; types with them, for they are not.
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('.', import.meta.url)))
const tsc = (...options) =>
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...options], { stdio: 'inherit' })
for (const [outDir, module] of [['miniprogram_dist', 'CommonJS'], ['esm', 'ES2015']]) {
  rmSync(outDir, { recursive: true, force: true })
  tsc('--outDir', outDir, '--module', module, '--removeComments')
  tsc('--outDir', outDir, '--module', module, '--declaration', '--emitDeclarationOnly')
}
// Without it, Node and TypeScript take these files for CommonJS.
writeFileSync('esm/package.json', '{ "type": "module", "sideEffects": false }\n')
