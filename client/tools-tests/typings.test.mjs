// The package's types with those of the platforms, as TypeScript finds them by each way that it has.
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

// Theirs are looked through only where they hold in strict mode themselves.
const pages = [
  ['page.ts', 'miniprogram-api-typings', 'wx', []],
  ['douyin.ts', '@douyin-microapp/typings', 'tt', ['--skipLibCheck']],
  ['uni-app.ts', '@dcloudio/types', 'uni', ['--skipLibCheck']]
]

for (const [page, types, name, options] of pages) {
  for (const [module, moduleResolution] of ways) {
    test(`the real ${name} is what the package takes, in strict mode: ${moduleResolution}`, () => {
      const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit', '--target', 'ES2020', '--lib', 'ES2020']
      const how = ['--module', module, '--moduleResolution', moduleResolution, '--types', types]
      const tsc = join(here, 'node_modules/typescript/bin/tsc')
      const { stdout, status } = spawnSync(process.execPath, [tsc, ...strict, ...options, ...how, page], { cwd: folder, encoding: 'utf8' })
      assert.equal(status, 0, stdout)
    })
  }
}
