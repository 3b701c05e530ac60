// The package's types with WeChat's own, as TypeScript finds them by each way that it has.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { here, project } from './project.mjs'

const folder = project('typings', join(here, 'projects/typings'))
const ways = [
  ['CommonJS', 'Node10'], // WeChat's templates
  ['Node16', 'Node16'],
  ['ESNext', 'Bundler'] // uni-app, Taro
]

for (const [module, moduleResolution] of ways) {
  test(`the real wx is what the package takes, in strict mode: ${moduleResolution}`, () => {
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit', '--target', 'ES2020', '--lib', 'ES2020']
    const how = ['--module', module, '--moduleResolution', moduleResolution, '--types', 'miniprogram-api-typings']
    const tsc = join(here, 'node_modules/typescript/bin/tsc')
    const { stdout, status } = spawnSync(process.execPath, [tsc, ...strict, ...how, 'page.ts'], { cwd: folder, encoding: 'utf8' })
    assert.equal(status, 0, stdout)
  })
}
