// Builds miniprogram_dist anew: code without comments, for it is shipped to phones; types with them, for they are not.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('.', import.meta.url)))
rmSync('miniprogram_dist', { recursive: true, force: true })
const tsc = (...options) =>
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...options], { stdio: 'inherit' })
tsc('--removeComments')
tsc('--declaration', '--emitDeclarationOnly')
