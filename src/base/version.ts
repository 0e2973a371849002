/** The version of the package, put in by the build. Pure. */
declare const __GINGHAM_VERSION__: string | undefined;

export const VERSION: string = typeof __GINGHAM_VERSION__ === 'string' ? __GINGHAM_VERSION__ : 'unbuilt';
