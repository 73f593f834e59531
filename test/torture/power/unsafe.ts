/* Loaded before a victim or a reader of the control. */
import { register } from 'node:module';

register('./unsafe-hooks.js', import.meta.url);
