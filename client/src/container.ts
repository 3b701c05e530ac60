/*
 * The shape of `wx.cloud.callContainer` (its page: "Cloud.callContainer"), for mini programs that move here from WeChat
 * Cloud Run: what it takes as options of `wx.request`, and an answer or an error in its words.
 * Never sends anything itself.
 */
import { SessionError } from './error.js'
import { Answer, mix, RequestOptions } from './wx.js'

/** What `wx.cloud.callContainer` takes; further options are passed on to `wx.request`. */
export interface ContainerOptions<T = any> {
  /** A path of the edge, such as `/api/count?page=2`. */
  path: string
  method?: string
  /** `X-WX-SERVICE` may stay: the edge takes it off, for only one app is behind it. */
  header?: { [name: string]: any }
  data?: any
  /** Milliseconds. */
  timeout?: number
  dataType?: string
  responseType?: string
  /** Of Cloud Run alone, and without effect here: there is no environment and no service to choose. */
  config?: unknown
  service?: string
  verbose?: boolean
  success?(answer: ContainerAnswer<T>): void
  fail?(error: any): void
  complete?(result: any): void
  [option: string]: any
}

/** What `wx.cloud.callContainer` gives, whatever the HTTP status. */
export interface ContainerAnswer<T = any> {
  data: T
  statusCode: number
  header: { [name: string]: any }
  cookies?: string[]
  /** Always `cloud.callContainer:ok`, as Cloud Run says it. */
  errMsg: string
  /** Empty: nothing here gives calls a name. */
  callID: string
}

const OF_CLOUD_RUN = ['path', 'config', 'service', 'verbose']

export function asRequest(options: ContainerOptions): RequestOptions {
  const { path, data } = options
  const made: RequestOptions = mix(options, { url: path.charAt(0) === '/' ? path : '/' + path })
  OF_CLOUD_RUN.forEach(name => { delete made[name] })
  // Its console writes this into its examples, for GET too.
  if (data === '') delete made.data
  return made
}

export function asContainerAnswer(answer: Answer): ContainerAnswer {
  return mix(answer, { errMsg: 'cloud.callContainer:ok', callID: '' })
}

export function asContainerError(error: SessionError): SessionError {
  error.errMsg = error.errMsg.replace('request:', 'cloud.callContainer:')
  return error
}
