/*
 * What `wx.request` takes and gives, which `qq.request`, `tt.request` and `ks.request` do too. Never calls it.
 */

/** What `wx.request` takes; further options are passed on as they are. */
export interface RequestOptions<T = any> {
  /** A path of the edge, such as `/orders?page=2`; or a whole URL under `baseUrl`. */
  url: string
  data?: string | object | ArrayBuffer
  header?: { [name: string]: string }
  method?: 'OPTIONS' | 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'TRACE' | 'CONNECT'
  /** Milliseconds. */
  timeout?: number
  dataType?: string
  responseType?: 'text' | 'arraybuffer'
  success?(answer: Answer<T>): void
  fail?(error: any): void
  complete?(result: any): void
  [option: string]: any
}

/** What `wx.request` gives to `success`, whatever the HTTP status. */
export interface Answer<T = any> {
  data: T
  statusCode: number
  header: { [name: string]: string }
  cookies?: string[]
  errMsg: string
}

/** Fails with the edge's refusal. */
export type Send = <T = any>(options: RequestOptions<T>) => Promise<Answer<T>>

/** A copy of `one` with the fields of `other`. */
export function mix(one: any, other: any): any {
  const both: any = {}
  for (const name in one) both[name] = one[name]
  for (const name in other) both[name] = other[name]
  return both
}
