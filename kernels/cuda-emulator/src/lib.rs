//! The launch emulator: the sources of the CUDA kernels compiled for the host, behind [`Device`].
//!
//! Blocks run one after the other, the threads of a block in turns from barrier to barrier, each time in another order.
//! Memory is what a device gives: not cleared; and writes beyond a buffer's end are noticed after each launch. What it
//! cannot show: races between blocks, the carry flag's life on the device, speed.

use std::{
    cell::UnsafeCell,
    collections::BTreeMap,
    ffi::{CString, c_char, c_void},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use proofyard_kernels_cuda::device::{Argument, Device, DeviceError, Properties, Shape};

/// The folder of a library that stands in for the CUDA driver's, over the same emulator; for `LD_LIBRARY_PATH`.
pub const DRIVER_MIRROR: &str = env!("PROOFYARD_DRIVER_MIRROR");

unsafe extern "C" {
    fn proofyard_emulator_launch(
        name: *const c_char,
        blocks: u32,
        threads: u32,
        shared_bytes: usize,
        arguments: *const *const c_void,
        sizes: *const usize,
        count: usize,
        order: u64,
    ) -> i32;
}

/// The emulator's state is the process's: one launch at a time.
static LAUNCHES: Mutex<u64> = Mutex::new(0);

fn launches() -> MutexGuard<'static, u64> {
    LAUNCHES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Words after a buffer's end that nothing may write.
const GUARD_WORDS: usize = 8;

/// What memory holds that nobody wrote.
const UNSET: u128 = 0xdead_beef_a5a5_a5a5_5a5a_5a5a_feed_f00d;

/// An emulated device.
#[derive(Debug)]
pub struct Emulator {
    properties: Properties,
    /// Launches of each kernel.
    counts: Mutex<BTreeMap<&'static str, usize>>,
    used: Arc<AtomicUsize>,
}

impl Emulator {
    /// A device with this many bytes of memory.
    pub fn new(memory_bytes: usize) -> Self {
        let properties = Properties {
            name: "launch emulator".to_owned(),
            multiprocessors: 2,
            memory_bytes,
            shared_bytes_max: 65536,
        };
        Self::with(properties)
    }

    /// A device with these properties, which decide how work is cut.
    pub fn with(properties: Properties) -> Self {
        Self { properties, counts: Mutex::default(), used: Arc::default() }
    }

    /// Launches of a kernel since this was last asked.
    pub fn launches(&self, kernel: &str) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(kernel).unwrap_or(0)
    }

    /// Bytes of memory in use.
    pub fn used_bytes(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Memory of the emulated device.
pub struct Buffer {
    // Kernels write through pointers; everything that touches the words holds the lock on launches.
    words: UnsafeCell<Box<[u128]>>,
    bytes: usize,
    used: Arc<AtomicUsize>,
}

// SAFETY: the words are read and written only while the lock on launches is held.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer of {} bytes", self.bytes)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Buffer {
    fn start(&self, _lock: &MutexGuard<'_, u64>) -> *mut u8 {
        // SAFETY: the lock is held; only a pointer is made.
        unsafe { (*self.words.get()).as_mut_ptr().cast() }
    }

    fn guard_is_whole(&self, _lock: &MutexGuard<'_, u64>) -> bool {
        // SAFETY: the lock is held, so nothing writes.
        let words = unsafe { &*self.words.get() };
        words[words.len() - GUARD_WORDS..].iter().all(|word| *word == UNSET)
    }

    fn within(&self, offset: usize, bytes: usize) -> Result<(), DeviceError> {
        match offset.checked_add(bytes) {
            Some(end) if end <= self.bytes => Ok(()),
            _ => Err(DeviceError::Failed(format!("{bytes} bytes at {offset} of a buffer of {}", self.bytes))),
        }
    }
}

impl Device for Emulator {
    type Buffer = Buffer;

    fn properties(&self) -> &Properties {
        &self.properties
    }

    fn allocate(&self, bytes: usize) -> Result<Self::Buffer, DeviceError> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let words = UnsafeCell::new(vec![UNSET; bytes.div_ceil(16) + GUARD_WORDS].into());
        let buffer = Buffer { words, bytes, used: self.used.clone() };
        if used > self.properties.memory_bytes { Err(DeviceError::OutOfMemory { bytes }) } else { Ok(buffer) }
    }

    fn address(&self, buffer: &Self::Buffer) -> u64 {
        buffer.start(&launches()) as u64
    }

    fn write(&self, to: &Self::Buffer, offset: usize, from: &[u8]) -> Result<(), DeviceError> {
        to.within(offset, from.len())?;
        let lock = launches();
        // SAFETY: the range lies within the buffer, which the lock keeps from everybody else.
        unsafe { to.start(&lock).add(offset).copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        Ok(())
    }

    fn read(&self, from: &Self::Buffer, offset: usize, to: &mut [u8]) -> Result<(), DeviceError> {
        from.within(offset, to.len())?;
        let lock = launches();
        // SAFETY: the range lies within the buffer, which the lock keeps from everybody else.
        unsafe { from.start(&lock).add(offset).copy_to_nonoverlapping(to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    fn launch(
        &self,
        kernel: &'static str,
        shape: Shape,
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), DeviceError> {
        if shape.blocks == 0 {
            return Err(DeviceError::Failed(format!("{kernel}: a launch without blocks")));
        }
        if shape.shared_bytes > self.properties.shared_bytes_max {
            return Err(DeviceError::Failed(format!("{kernel}: {} bytes of shared memory", shape.shared_bytes)));
        }
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(kernel).or_default() += 1;
        let name = CString::new(kernel).map_err(|error| DeviceError::Failed(error.to_string()))?;
        let mut lock = launches();
        for argument in arguments {
            if let Argument::Buffer(buffer, offset) = argument {
                buffer.within(*offset, 0)?;
            }
        }
        let pointers: Vec<*mut u8> = arguments
            .iter()
            .map(|argument| match argument {
                // SAFETY: the offset lies within the buffer.
                Argument::Buffer(buffer, offset) => unsafe { buffer.start(&lock).add(*offset) },
                _ => std::ptr::null_mut(),
            })
            .collect();
        let mut values: Vec<*const c_void> = Vec::with_capacity(arguments.len());
        let mut sizes = Vec::with_capacity(arguments.len());
        for (argument, pointer) in arguments.iter().zip(&pointers) {
            let (value, size): (*const c_void, usize) = match argument {
                Argument::Buffer(..) => (std::ptr::from_ref(pointer).cast(), size_of::<*mut u8>()),
                Argument::Word(word) => (std::ptr::from_ref(word).cast(), size_of::<u32>()),
                Argument::Field(element) => (std::ptr::from_ref(element).cast(), size_of_val(element)),
            };
            values.push(value);
            sizes.push(size);
        }
        *lock += 1;
        // SAFETY: the callee checks number and sizes of the arguments, each of which points to a value of that size; buffers
        // stay where they are while they are borrowed, and the lock keeps everybody else from them.
        let code = unsafe {
            proofyard_emulator_launch(
                name.as_ptr(),
                shape.blocks,
                shape.threads,
                shape.shared_bytes,
                values.as_ptr(),
                sizes.as_ptr(),
                values.len(),
                *lock,
            )
        };
        let failure = match code {
            0 => None,
            1 => Some("no such kernel"),
            2 => Some("too many threads a block"),
            3 => Some("the arguments are not the kernel's"),
            _ => Some("threads left while others waited at a barrier"),
        };
        if let Some(failure) = failure {
            return Err(DeviceError::Failed(format!("{kernel}: {failure}")));
        }
        for argument in arguments {
            if let Argument::Buffer(buffer, _) = argument
                && !buffer.guard_is_whole(&lock)
            {
                return Err(DeviceError::Failed(format!("{kernel} wrote beyond the end of {buffer:?}")));
            }
        }
        Ok(())
    }
}
