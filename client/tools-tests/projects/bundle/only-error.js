import { SessionError } from 'wx-session'

export const isOurs = error => error instanceof SessionError
