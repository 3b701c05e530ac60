/*
 * The few APIs of the mini program that this package uses, with callbacks only: so it runs on every base library that
 * has Promise. Never decides anything.
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

/** What there must be of the global `wx`. */
export interface Wx {
  request(options: any): unknown
  login(options: any): unknown
  checkSession(options: any): unknown
  getStorageSync(key: string): unknown
  setStorageSync(key: string, value: string): void
  removeStorageSync(key: string): void
}

declare const wx: Wx

/** A copy of `one` with the fields of `other`. */
export function mix(one: any, other: any): any {
  const both: any = {}
  for (const name in one) both[name] = one[name]
  for (const name in other) both[name] = other[name]
  return both
}

export function call(api: 'request' | 'login' | 'checkSession', options?: object): Promise<any> {
  return new Promise((success, fail) => {
    const all = mix(options, { success, fail })
    delete all.complete
    wx[api](all)
  })
}

/** Empty if there is none or the storage fails. */
export function load(key: string): string {
  try {
    const value = wx.getStorageSync(key)
    return typeof value === 'string' ? value : ''
  } catch (_) {
    return ''
  }
}

/** A storage that fails costs a login at the next start, and nothing now. */
export function store(key: string, value: string): void {
  try {
    if (value) wx.setStorageSync(key, value)
    else wx.removeStorageSync(key)
  } catch (_) {}
}
