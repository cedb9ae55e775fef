//! The driver: a GPU as a [`Device`]. All `unsafe` of this crate is here.
//!
//! The driver's library is looked for when a device is opened, so that the same binary runs where there is none. Everything
//! happens on one stream, in the order of the calls.

use std::{
    collections::HashMap,
    ffi::{CString, c_void},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cudarc::driver::{CudaContext, CudaStream, DriverError, result, sys};
use thiserror::Error;

use crate::device::{Argument, Device, DeviceError, Properties, Shape};

/// The kernels for the architectures of `cargo xtask kernels`, and PTX for later ones.
static FATBIN: &Aligned<[u8]> = &Aligned(*include_bytes!("../fatbin/kernels.fatbin"));

/// The driver reads words of the image.
#[repr(align(16))]
struct Aligned<T: ?Sized>(T);

/// The first compute capability with a kernel.
const CAPABILITY_MIN: (i32, i32) = (8, 0);

/// Shared memory that every kernel may have without asking.
const SHARED_BYTES_FREE: usize = 48 * 1024;

/// Bytes of a staging buffer; two are filled in turns.
const STAGING_BYTES: usize = 8 << 20;

/// Copies up to this size are staged by the driver itself before it returns.
const STAGED_BY_DRIVER: usize = 64 << 10;

/// Why a GPU cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No driver.
    #[error(
        "[PY-C-001] no CUDA driver here (libcuda.so is not found); install NVIDIA's driver, or set kind = \"cpu\" under [device]"
    )]
    NoDriver,
    /// A device that is not there.
    #[error(
        "[PY-C-002] there is no CUDA device {ordinal}, the driver has {count}; set ordinal under [device] to one of them"
    )]
    NoDevice {
        /// The device asked for.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// A device older than the kernels.
    #[error(
        "[PY-C-003] {name} has compute capability {}.{}, the kernels need {}.{}; use another device or kind = \"cpu\" under [device]",
        found.0, found.1, CAPABILITY_MIN.0, CAPABILITY_MIN.1
    )]
    TooOld {
        /// The device.
        name: String,
        /// Its compute capability.
        found: (i32, i32),
    },
    /// The driver does not take the kernels.
    #[error(
        "[PY-C-004] the driver of {name} refuses the kernels ({reason}); they need a driver for CUDA 13 (release 580) or later"
    )]
    Kernels {
        /// The device.
        name: String,
        /// What the driver says.
        reason: String,
    },
    /// Anything else.
    #[error("[PY-C-005] the CUDA driver failed: {0}")]
    Driver(String),
}

fn text(error: DriverError) -> String {
    let name = error.error_name().map(|name| name.to_string_lossy().into_owned());
    let meaning = error.error_string().map(|meaning| meaning.to_string_lossy().into_owned());
    match (name, meaning) {
        (Ok(name), Ok(meaning)) => format!("{name}: {meaning}"),
        _ => format!("code {}", error.0 as u32),
    }
}

fn open_error(error: DriverError) -> OpenError {
    OpenError::Driver(text(error))
}

fn failed(what: &str) -> impl Fn(DriverError) -> DeviceError + '_ {
    move |error| DeviceError::Failed(format!("{what}: {}", text(error)))
}

/// A function of the module and the shared memory it may have.
#[derive(Clone, Copy)]
struct Function {
    handle: sys::CUfunction,
    shared_bytes: usize,
}

/// Pinned memory on its way to the device.
struct Staging {
    memory: *mut c_void,
    /// Passed when the device has read it.
    read: cudarc::driver::CudaEvent,
}

/// What is behind the lock: handles that the driver lets any thread use.
struct Shared {
    functions: HashMap<&'static str, Function>,
    staging: [Staging; 2],
    /// The staging buffer to fill next.
    turn: usize,
}

/// A GPU.
pub struct Driver {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    module: sys::CUmodule,
    properties: Properties,
    shared: Mutex<Shared>,
}

// SAFETY: modules, functions and pinned memory belong to the context, which every call binds to its thread; the driver's calls
// are safe from any thread (CUDA driver API, "Context management"), and what is not atomic is behind the lock.
unsafe impl Send for Driver {}
// SAFETY: as above.
unsafe impl Sync for Driver {}

impl Driver {
    /// How many devices there are; none without a driver.
    pub fn count() -> usize {
        // SAFETY: opens and closes the driver's library, whose initialisers are NVIDIA's.
        if !unsafe { sys::is_culib_present() } {
            return 0;
        }
        CudaContext::device_count().map_or(0, |count| usize::try_from(count).unwrap_or(0))
    }

    /// Opens a device and loads the kernels.
    pub fn open(ordinal: usize) -> Result<Self, OpenError> {
        // SAFETY: as above.
        if !unsafe { sys::is_culib_present() } {
            return Err(OpenError::NoDriver);
        }
        let count = usize::try_from(CudaContext::device_count().map_err(open_error)?).unwrap_or(0);
        if ordinal >= count {
            return Err(OpenError::NoDevice { ordinal, count });
        }
        let context = CudaContext::new(ordinal).map_err(open_error)?;
        let name = context.name().map_err(open_error)?;
        let found = context.compute_capability().map_err(open_error)?;
        if found < CAPABILITY_MIN {
            return Err(OpenError::TooOld { name, found });
        }
        let attribute = |which| context.attribute(which).map_err(open_error);
        use sys::CUdevice_attribute_enum as Is;
        let properties = Properties {
            multiprocessors: attribute(Is::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?.unsigned_abs(),
            shared_bytes_max: attribute(Is::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?.unsigned_abs()
                as usize,
            memory_bytes: context.total_mem().map_err(open_error)?,
            name: name.clone(),
        };
        // A thread that waits for the device leaves the core to witnesses.
        context.set_blocking_synchronize().map_err(open_error)?;
        let stream = context.new_stream().map_err(open_error)?;
        // SAFETY: the image is a whole fatbin, made by NVIDIA's compiler.
        let module = unsafe { result::module::load_data(FATBIN.0.as_ptr().cast()) }
            .map_err(|error| OpenError::Kernels { name, reason: text(error) })?;
        let staging = || -> Result<Staging, OpenError> {
            Ok(Staging {
                read: context.new_event(None).map_err(open_error)?,
                // SAFETY: freed in `drop`, after the device is done with it.
                memory: unsafe { result::malloc_host(STAGING_BYTES, 0) }.map_err(open_error)?,
            })
        };
        let shared = Mutex::new(Shared { functions: HashMap::new(), staging: [staging()?, staging()?], turn: 0 });
        Ok(Self { context, stream, module, properties, shared })
    }

    /// Memory that is free now.
    pub fn free_bytes(&self) -> Result<usize, DeviceError> {
        self.context.mem_get_info().map(|(free, _)| free).map_err(failed("memory information"))
    }

    /// The version of CUDA that the driver is for: 13000 is 13.0.
    pub fn cuda_version(&self) -> Result<i32, DeviceError> {
        let mut version = 0;
        // SAFETY: writes one number.
        unsafe { sys::cuDriverGetVersion(&mut version) }.result().map_err(failed("asking for the version"))?;
        Ok(version)
    }

    /// Waits until everything asked for is done.
    pub fn synchronize(&self) -> Result<(), DeviceError> {
        self.stream.synchronize().map_err(failed("synchronising"))
    }

    fn bind(&self) -> Result<(), DeviceError> {
        self.context.bind_to_thread().map_err(failed("binding the context"))
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The function of this name, allowed to have this much shared memory.
    fn function(&self, name: &'static str, shared_bytes: usize) -> Result<sys::CUfunction, DeviceError> {
        let functions = &mut self.shared().functions;
        let function = match functions.get_mut(name) {
            Some(function) => function,
            None => {
                let c_name = CString::new(name).map_err(|error| DeviceError::Failed(error.to_string()))?;
                // SAFETY: the module lives as long as self.
                let handle = unsafe { result::module::get_function(self.module, c_name) }.map_err(failed(name))?;
                functions.entry(name).or_insert(Function { handle, shared_bytes: SHARED_BYTES_FREE })
            }
        };
        if shared_bytes > function.shared_bytes {
            let attribute = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            let bytes = i32::try_from(shared_bytes).unwrap_or(i32::MAX);
            // SAFETY: the handle is the module's.
            unsafe { result::function::set_function_attribute(function.handle, attribute, bytes) }
                .map_err(failed(name))?;
            function.shared_bytes = shared_bytes;
        }
        Ok(function.handle)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Nothing can be done about a driver that fails now.
        let _ = self.stream.synchronize();
        let _ = self.context.bind_to_thread();
        for staging in &self.shared().staging {
            // SAFETY: allocated in `open`; the device is done with it.
            let _ = unsafe { result::free_host(staging.memory) };
        }
        // SAFETY: no launch of it is under way.
        let _ = unsafe { result::module::unload(self.module) };
    }
}

/// Memory of the GPU.
pub struct Buffer {
    address: sys::CUdeviceptr,
    bytes: usize,
    stream: Arc<CudaStream>,
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer of {} bytes at {:#x}", self.bytes, self.address)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let _ = self.stream.context().bind_to_thread();
        // SAFETY: allocated on this stream; what was launched before still has it.
        let _ = unsafe { result::free_async(self.address, self.stream.cu_stream()) };
    }
}

impl Buffer {
    fn within(&self, offset: usize, bytes: usize) -> Result<sys::CUdeviceptr, DeviceError> {
        match offset.checked_add(bytes) {
            Some(end) if end <= self.bytes => Ok(self.address + offset as u64),
            _ => Err(DeviceError::Failed(format!("{bytes} bytes at {offset} of a buffer of {}", self.bytes))),
        }
    }
}

impl Device for Driver {
    type Buffer = Buffer;

    fn properties(&self) -> &Properties {
        &self.properties
    }

    fn allocate(&self, bytes: usize) -> Result<Buffer, DeviceError> {
        self.bind()?;
        // SAFETY: freed when the buffer is dropped.
        match unsafe { result::malloc_async(self.stream.cu_stream(), bytes) } {
            Ok(address) => Ok(Buffer { address, bytes, stream: self.stream.clone() }),
            Err(DriverError(sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => Err(DeviceError::OutOfMemory { bytes }),
            Err(error) => Err(failed("allocating")(error)),
        }
    }

    fn address(&self, buffer: &Buffer) -> u64 {
        buffer.address
    }

    fn write(&self, to: &Buffer, offset: usize, from: &[u8]) -> Result<(), DeviceError> {
        let start = to.within(offset, from.len())?;
        self.bind()?;
        let stream = self.stream.cu_stream();
        let failed = failed("copying to the device");
        if from.len() <= STAGED_BY_DRIVER {
            // SAFETY: the range is the buffer's; the driver has copied the source when it returns.
            return unsafe { result::memcpy_htod_async(start, from, stream) }.map_err(failed);
        }
        let mut shared = self.shared();
        for (index, part) in from.chunks(STAGING_BYTES).enumerate() {
            let turn = shared.turn;
            shared.turn = 1 - turn;
            let staging = &shared.staging[turn];
            staging.read.synchronize().map_err(&failed)?;
            // SAFETY: the staging memory has room for a part, the device has read what was there, and the lock keeps others
            // from it; the range is the buffer's.
            let copied = unsafe {
                let memory = std::slice::from_raw_parts_mut(staging.memory.cast::<u8>(), part.len());
                memory.copy_from_slice(part);
                result::memcpy_htod_async(start + (index * STAGING_BYTES) as u64, memory, stream)
            };
            copied.map_err(&failed)?;
            staging.read.record(&self.stream).map_err(&failed)?;
        }
        Ok(())
    }

    fn read(&self, from: &Buffer, offset: usize, to: &mut [u8]) -> Result<(), DeviceError> {
        let start = from.within(offset, to.len())?;
        self.bind()?;
        // SAFETY: the range is the buffer's, and the destination is borrowed until the copy is done.
        let copied = unsafe { result::memcpy_dtoh_async(to, start, self.stream.cu_stream()) };
        // For this copy only: others may have asked for more meanwhile.
        let blocking = sys::CUevent_flags::CU_EVENT_BLOCKING_SYNC;
        copied
            .and_then(|()| self.stream.record_event(Some(blocking)))
            .and_then(|copied| copied.synchronize())
            .map_err(failed("copying from the device"))
    }

    fn launch(
        &self,
        kernel: &'static str,
        shape: Shape,
        arguments: &[Argument<'_, Buffer>],
    ) -> Result<(), DeviceError> {
        self.bind()?;
        let function = self.function(kernel, shape.shared_bytes)?;
        let mut addresses = Vec::with_capacity(arguments.len());
        for argument in arguments {
            addresses.push(match argument {
                Argument::Buffer(buffer, offset) => buffer.within(*offset, 0)?,
                Argument::Word(_) | Argument::Field(_) => 0,
            });
        }
        // The driver copies the arguments before it returns and writes none of them.
        let mut pointers: Vec<*mut c_void> = arguments
            .iter()
            .zip(&addresses)
            .map(|(argument, address)| match argument {
                Argument::Buffer(..) => std::ptr::from_ref(address).cast_mut().cast(),
                Argument::Word(word) => std::ptr::from_ref(word).cast_mut().cast(),
                Argument::Field(element) => std::ptr::from_ref(element).cast_mut().cast(),
            })
            .collect();
        let shared_bytes = u32::try_from(shape.shared_bytes).unwrap_or(u32::MAX);
        let (grid, block) = ((shape.blocks, 1, 1), (shape.threads, 1, 1));
        // SAFETY: number and types of the arguments are those of the kernel: the launch emulator, which checks them, runs the
        // same callers in the tests; buffers that are dropped are freed after this launch, on the same stream.
        unsafe { result::launch_kernel(function, grid, block, shared_bytes, self.stream.cu_stream(), &mut pointers) }
            .map_err(failed(kernel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a machine without a driver this is the error; with one, a device beyond the last.
    #[test]
    fn a_device_that_is_not_there_is_an_error_with_a_remedy() {
        let count = Driver::count();
        let error = Driver::open(count).err().map(|error| error.to_string()).unwrap_or_default();
        let expected = if count == 0 { "[PY-C-00" } else { "[PY-C-002]" };
        assert!(error.starts_with(expected) && error.contains("set "), "{error}");
    }
}
