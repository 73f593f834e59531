import { RumeurError } from '../base/errors.js';

/** Why a server cannot listen, with what to do about it. */
export function listenError(error: Error, host: string, port: number): RumeurError {
  const code = 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return new RumeurError('IN_USE', `port ${port} on ${host} is already in use`, {
        hint: 'stop the process that listens there, or choose another port in the config',
        cause: error,
      });
    case 'EACCES':
      return new RumeurError('CONFIG_INVALID', `this user may not listen on port ${port} of ${host}`, {
        hint: 'choose a port from 1024 to 65535',
        cause: error,
      });
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new RumeurError('CONFIG_INVALID', `the host name ${JSON.stringify(host)} cannot be resolved`, {
        hint: 'set host to 127.0.0.1, 0.0.0.0 or a name of this machine',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return new RumeurError('CONFIG_INVALID', `${host} is not an address of this machine`, {
        hint: 'set host to 127.0.0.1, 0.0.0.0 or an address of this machine',
        cause: error,
      });
    default:
      return new RumeurError('INTERNAL', `cannot listen on port ${port} of ${host}: ${error.message}`, {
        cause: error,
      });
  }
}
